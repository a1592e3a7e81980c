//! The one list of routes. The template's `Events` and the folders in `functions/` are compared
//! with it by a test, so that a route cannot exist in one place only.
//!
//! API Gateway sends every method of a path to its function; the function itself answers 404, 405
//! and `OPTIONS`, so that those answers have our shape too.

use aragora_core::access::Permission;
use http::Method;

use crate::percent::decode_segment;

/// The largest body with a list of things, such as 100 events of ordinary size. Lambda takes 6 MB, base64 and
/// envelope included.
pub const BATCH_BODY_LIMIT: usize = 5 * 1024 * 1024;
/// The largest record of a debate.
pub const RECORD_BODY_LIMIT: usize = 4 * 1024 * 1024;
/// The largest body of anything else.
pub const BODY_LIMIT: usize = 256 * 1024;

/// A deployed function that answers HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Function {
    /// Registrations.
    Webhooks,
    /// A delivery now, to see whether the receiver takes it.
    WebhookTest,
    /// What became of deliveries.
    Receipts,
    /// What was given up, and sending it again.
    Redeliveries,
    /// Many debates explained, as jobs.
    ExplanationJobs,
    /// Publishing and reading events.
    Events,
    /// Debates, in and out.
    Debates,
    /// Explanations of single debates.
    Explanations,
    /// Who one is: keys, tokens, roles, limits.
    Identity,
    /// The log of security happenings.
    Audit,
    /// Templates of the marketplace.
    Marketplace,
    /// Health, and every path that no route has.
    Health,
}

impl Function {
    /// Every function that answers HTTP.
    pub const ALL: &[Self] = &[
        Self::Webhooks,
        Self::WebhookTest,
        Self::Receipts,
        Self::Redeliveries,
        Self::ExplanationJobs,
        Self::Events,
        Self::Debates,
        Self::Explanations,
        Self::Identity,
        Self::Audit,
        Self::Marketplace,
        Self::Health,
    ];

    /// The name of its package, of its folder and of its binary.
    pub const fn package(self) -> &'static str {
        match self {
            Self::Webhooks => "webhooks",
            Self::WebhookTest => "webhook-test",
            Self::Receipts => "receipts",
            Self::Redeliveries => "redeliveries",
            Self::ExplanationJobs => "explanation-jobs",
            Self::Events => "events",
            Self::Debates => "debates",
            Self::Explanations => "explanations",
            Self::Identity => "identity",
            Self::Audit => "audit-api",
            Self::Marketplace => "marketplace",
            Self::Health => "health",
        }
    }
}

/// What a route needs of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nothing: credentials are not even looked at.
    Public,
    /// A credential in the body, which the handler checks.
    InBody,
    /// A credential of an organisation, whatever it may do.
    Anybody,
    /// A user's own token, whatever it allows.
    Person,
    /// A credential of an organisation, with this permission.
    Needs(Permission),
    /// A JWT with the role `admin` or `owner`. Neither a service nor an API key is an admin.
    Admin,
}

/// What a route does: by this a handler module tells its routes apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RouteId {
    /// `POST /api/webhooks`
    CreateWebhook,
    /// `GET /api/webhooks`
    ListWebhooks,
    /// `GET /api/webhooks/{webhook_id}`
    GetWebhook,
    /// `PUT` and `PATCH /api/webhooks/{webhook_id}`: both change only the fields given.
    UpdateWebhook,
    /// `DELETE /api/webhooks/{webhook_id}`
    DeleteWebhook,
    /// `POST /api/webhooks/{webhook_id}/regenerate-secret`, also `/rotate-secret`
    RotateSecret,
    /// `POST /api/webhooks/bulk`
    CreateWebhooks,
    /// `POST /api/webhooks/pause-all`
    PauseWebhooks,
    /// `POST /api/webhooks/resume-all`
    ResumeWebhooks,
    /// `POST /api/webhooks/{webhook_id}/test`
    TestWebhook,
    /// `GET /api/system/circuit-breakers`, also `/api/circuit-breakers`
    ListCircuits,
    /// `GET /api/webhooks/events`
    ListEventTypes,
    /// `GET /api/webhooks/events/categories`
    ListEventCategories,
    /// `GET /api/webhooks/{webhook_id}/receipts`
    ListReceipts,
    /// `GET /api/webhooks/{webhook_id}/receipts/{delivery_id}`
    GetReceipt,
    /// `POST /api/webhooks/{webhook_id}/receipts/{delivery_id}/retry`
    RetryReceipt,
    /// `GET /api/webhooks/{webhook_id}/stats`
    WebhookStats,
    /// `GET /api/webhooks/slo/status`
    SloStatus,
    /// `GET /api/webhooks/dead-letter`
    ListDeadLetters,
    /// `GET /api/webhooks/dead-letter/{delivery_id}`
    GetDeadLetter,
    /// `POST /api/webhooks/dead-letter/{delivery_id}/retry`
    RetryDeadLetter,
    /// `DELETE /api/webhooks/dead-letter/{delivery_id}`
    DeleteDeadLetter,
    /// `POST /api/webhooks/dead-letter/retry`: many of them, as a job.
    RetryDeadLetters,
    /// `POST /api/webhooks/{webhook_id}/recover`: what it missed in a window, as a job.
    RecoverWebhook,
    /// `GET /api/webhooks/jobs`
    ListJobs,
    /// `GET /api/webhooks/jobs/{job_id}`
    GetJob,
    /// `DELETE /api/webhooks/jobs/{job_id}`: cancels it.
    CancelJob,
    /// `POST /api/explainability/batch`
    CreateBatch,
    /// `GET /api/explainability/batch`
    ListBatches,
    /// `GET /api/explainability/batch/{batch_id}`, also `/status`
    GetBatch,
    /// `GET /api/explainability/batch/{batch_id}/results`
    BatchResults,
    /// `DELETE /api/explainability/batch/{batch_id}`: cancels it.
    CancelBatch,
    /// `POST /api/events`
    PublishEvents,
    /// `POST /api/webhooks/dispatch`: publishing under the name that published clients use.
    DispatchEvents,
    /// `GET /api/events`
    ListEvents,
    /// `GET /api/events/{event_id}`
    GetEvent,
    /// `POST /api/debates`
    TakeDebate,
    /// `GET /api/debates`
    ListDebates,
    /// `GET /api/debates/export`
    ExportDebates,
    /// `GET /api/debates/{debate_id}`
    GetDebate,
    /// `POST /api/debates/{debate_id}/events`
    StreamDebate,
    /// `GET /api/explainability/debate/{debate_id}`, also `/api/explain/{debate_id}` and
    /// `/api/debates/{debate_id}/explanation`
    ExplainDebate,
    /// `GET /api/debates/{debate_id}/evidence`
    DebateEvidence,
    /// `GET /api/debates/{debate_id}/votes/pivots`
    DebatePivots,
    /// `GET /api/debates/{debate_id}/counterfactuals`
    DebateCounterfactuals,
    /// `GET /api/debates/{debate_id}/summary`
    DebateSummary,
    /// `POST` and `GET /api/explainability/compare`
    CompareDebates,
    /// `GET /api/explainability/cache`
    CacheStatistics,
    /// `POST /api/explainability/cache/invalidate`
    InvalidateCache,
    /// `GET /api/audit`
    ListAudit,
    /// `GET /api/audit/verify`
    VerifyAudit,
    /// `GET /api/auth/me`
    Me,
    /// `POST /api/auth/api-key`, also `/api-keys`
    CreateKey,
    /// `GET /api/auth/api-keys`, also `/api-key`
    ListKeys,
    /// `DELETE /api/auth/api-keys/{key_id}`, also `/api-key` with the id in query or body
    RevokeKey,
    /// `POST /api/auth/token`
    RefreshToken,
    /// `POST /api/auth/logout-all`
    EndSessions,
    /// `GET /api/auth/roles`
    ListRoles,
    /// `PUT /api/auth/roles/{role}`
    PutRole,
    /// `DELETE /api/auth/roles/{role}`
    DeleteRole,
    /// `GET /api/system/rate-limits`
    ShowLimits,
    /// `GET /api/marketplace/templates`
    ListTemplates,
    /// `GET /api/marketplace/templates/search`
    SearchTemplates,
    /// `GET /api/marketplace/templates/mine`
    MyTemplates,
    /// `POST /api/marketplace/templates`
    PublishTemplate,
    /// `POST /api/marketplace/templates/import`
    ImportTemplate,
    /// `GET /api/marketplace/featured`
    FeaturedTemplates,
    /// `GET /api/marketplace/trending`
    TrendingTemplates,
    /// `GET /api/marketplace/categories`
    TemplateCategories,
    /// `GET /api/marketplace/templates/{template_id}`
    GetTemplate,
    /// `PUT` and `PATCH /api/marketplace/templates/{template_id}`
    UpdateTemplate,
    /// `DELETE /api/marketplace/templates/{template_id}`
    UnpublishTemplate,
    /// `GET /api/marketplace/templates/{template_id}/versions`
    ListVersions,
    /// `POST /api/marketplace/templates/{template_id}/versions`
    PublishVersion,
    /// `GET /api/marketplace/templates/{template_id}/versions/{template_version}`
    GetVersion,
    /// `POST` and `GET /api/marketplace/templates/{template_id}/download`
    DownloadTemplate,
    /// `POST /api/marketplace/templates/{template_id}/rate`
    RateTemplate,
    /// `GET /api/marketplace/templates/{template_id}/ratings`
    ListRatings,
    /// `GET /api/marketplace/templates/{template_id}/reviews`
    ListReviews,
    /// `POST /api/marketplace/templates/{template_id}/reviews`
    ReviewTemplate,
    /// `POST /api/marketplace/templates/{template_id}/reviews/{review_id}/helpful`
    ReviewHelped,
    /// `GET /api/marketplace/templates/{template_id}/related`
    RelatedTemplates,
    /// `GET /api/marketplace/templates/{template_id}/export`
    ExportTemplate,
    /// `GET /api/health`
    Health,
}

/// One method of one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Who answers it.
    pub function: Function,
    /// The method. `HEAD` is answered wherever `GET` is.
    pub method: Method,
    /// The path, with parameters in braces.
    pub path: &'static str,
    /// What it needs of its caller.
    pub access: Access,
    /// What it does.
    pub id: RouteId,
    /// Bytes its body may have.
    pub body_limit: usize,
}

const fn route(
    function: Function,
    method: Method,
    path: &'static str,
    access: Access,
    id: RouteId,
) -> Route {
    let body_limit = match id {
        RouteId::PublishEvents | RouteId::DispatchEvents | RouteId::CreateWebhooks => {
            BATCH_BODY_LIMIT
        }
        RouteId::TakeDebate => RECORD_BODY_LIMIT,
        RouteId::StreamDebate => BATCH_BODY_LIMIT,
        _ => BODY_LIMIT,
    };
    Route { function, method, path, access, id, body_limit }
}

/// A route that shows something of explanations.
const fn explanation(path: &'static str, id: RouteId) -> Route {
    route(Function::Explanations, Method::GET, path, EXPLAIN_READ, id)
}

const WEBHOOKS: &str = "/api/webhooks";
const WEBHOOK: &str = "/api/webhooks/{webhook_id}";
const REGENERATE: &str = "/api/webhooks/{webhook_id}/regenerate-secret";
const ROTATE: &str = "/api/webhooks/{webhook_id}/rotate-secret";
const TEST: &str = "/api/webhooks/{webhook_id}/test";
const BULK: &str = "/api/webhooks/bulk";
const PAUSE_ALL: &str = "/api/webhooks/pause-all";
const RESUME_ALL: &str = "/api/webhooks/resume-all";
const SYSTEM_CIRCUITS: &str = "/api/system/circuit-breakers";
const CIRCUITS: &str = "/api/circuit-breakers";
const EVENT_TYPES: &str = "/api/webhooks/events";
const CATEGORIES: &str = "/api/webhooks/events/categories";
const RECEIPTS: &str = "/api/webhooks/{webhook_id}/receipts";
const RECEIPT: &str = "/api/webhooks/{webhook_id}/receipts/{delivery_id}";
const RETRY: &str = "/api/webhooks/{webhook_id}/receipts/{delivery_id}/retry";
const DELIVERIES: &str = "/api/webhooks/{webhook_id}/deliveries";
const DELIVERY: &str = "/api/webhooks/{webhook_id}/deliveries/{delivery_id}";
const RETRY_DELIVERY: &str = "/api/webhooks/{webhook_id}/deliveries/{delivery_id}/retry";
const STATS: &str = "/api/webhooks/{webhook_id}/stats";
const SLO_STATUS: &str = "/api/webhooks/slo/status";
const DEAD_LETTERS: &str = "/api/webhooks/dead-letter";
const DEAD_LETTER: &str = "/api/webhooks/dead-letter/{delivery_id}";
const RETRY_DEAD_LETTER: &str = "/api/webhooks/dead-letter/{delivery_id}/retry";
// The same under the name in the plural.
const ALL_DEAD_LETTERS: &str = "/api/webhooks/dead-letters";
const ONE_DEAD_LETTER: &str = "/api/webhooks/dead-letters/{delivery_id}";
const RETRY_ONE_DEAD_LETTER: &str = "/api/webhooks/dead-letters/{delivery_id}/retry";
const RETRY_MANY: &str = "/api/webhooks/dead-letter/retry";
const RETRY_MANY_DEAD_LETTERS: &str = "/api/webhooks/dead-letters/retry";
const RECOVER: &str = "/api/webhooks/{webhook_id}/recover";
const JOBS: &str = "/api/webhooks/jobs";
const JOB: &str = "/api/webhooks/jobs/{job_id}";
const BATCHES: &str = "/api/explainability/batch";
const BATCH: &str = "/api/explainability/batch/{batch_id}";
const BATCH_STATUS: &str = "/api/explainability/batch/{batch_id}/status";
const BATCH_RESULTS: &str = "/api/explainability/batch/{batch_id}/results";
const EVENTS: &str = "/api/events";
const EVENT: &str = "/api/events/{event_id}";
const DISPATCH: &str = "/api/webhooks/dispatch";
const DEBATES: &str = "/api/debates";
const EXPORT_DEBATES: &str = "/api/debates/export";
const DEBATE: &str = "/api/debates/{debate_id}";
const DEBATE_EVENTS: &str = "/api/debates/{debate_id}/events";
const EXPLANATION: &str = "/api/explainability/debate/{debate_id}";
const EXPLAIN: &str = "/api/explain/{debate_id}";
const DEBATE_EXPLANATION: &str = "/api/debates/{debate_id}/explanation";
const EVIDENCE: &str = "/api/debates/{debate_id}/evidence";
const PIVOTS: &str = "/api/debates/{debate_id}/votes/pivots";
const COUNTERFACTUALS: &str = "/api/debates/{debate_id}/counterfactuals";
const SUMMARY: &str = "/api/debates/{debate_id}/summary";
const COMPARE: &str = "/api/explainability/compare";
const CACHE: &str = "/api/explainability/cache";
const INVALIDATE_CACHE: &str = "/api/explainability/cache/invalidate";
const AUDIT: &str = "/api/audit";
const VERIFY_AUDIT: &str = "/api/audit/verify";
const ME: &str = "/api/auth/me";
const KEY: &str = "/api/auth/api-key";
const KEYS: &str = "/api/auth/api-keys";
const ONE_KEY: &str = "/api/auth/api-keys/{key_id}";
const TOKEN: &str = "/api/auth/token";
const LOGOUT_ALL: &str = "/api/auth/logout-all";
const ROLES: &str = "/api/auth/roles";
const ROLE: &str = "/api/auth/roles/{role}";
const RATE_LIMITS: &str = "/api/system/rate-limits";
// The marketplace. What only published clients call it stands beside its own name.
const TEMPLATES: &str = "/api/marketplace/templates";
const SEARCH_TEMPLATES: &str = "/api/marketplace/templates/search";
const MY_TEMPLATES: &str = "/api/marketplace/templates/mine";
const IMPORT_TEMPLATE: &str = "/api/marketplace/templates/import";
const FEATURED: &str = "/api/marketplace/featured";
const FEATURED_TEMPLATES: &str = "/api/marketplace/templates/featured";
const TRENDING: &str = "/api/marketplace/trending";
const TEMPLATE_CATEGORIES: &str = "/api/marketplace/categories";
const USERS_TEMPLATES: &str = "/api/marketplace/users/me/templates";
const TEMPLATE: &str = "/api/marketplace/templates/{template_id}";
const VERSIONS: &str = "/api/marketplace/templates/{template_id}/versions";
const VERSION: &str = "/api/marketplace/templates/{template_id}/versions/{template_version}";
const DOWNLOAD: &str = "/api/marketplace/templates/{template_id}/download";
const RATE: &str = "/api/marketplace/templates/{template_id}/rate";
const RATINGS: &str = "/api/marketplace/templates/{template_id}/ratings";
const REVIEWS: &str = "/api/marketplace/templates/{template_id}/reviews";
const HELPFUL: &str = "/api/marketplace/templates/{template_id}/reviews/{review_id}/helpful";
const RELATED: &str = "/api/marketplace/templates/{template_id}/related";
const EXPORT: &str = "/api/marketplace/templates/{template_id}/export";
const HEALTH: &str = "/api/health";

const WEBHOOKS_READ: Access = Access::Needs(Permission::WebhooksRead);
const WEBHOOKS_WRITE: Access = Access::Needs(Permission::WebhooksWrite);
const WEBHOOKS_DELETE: Access = Access::Needs(Permission::WebhooksDelete);
const EVENTS_READ: Access = Access::Needs(Permission::EventsRead);
const EVENTS_WRITE: Access = Access::Needs(Permission::EventsWrite);
const DEBATES_READ: Access = Access::Needs(Permission::DebatesRead);
const DEBATES_WRITE: Access = Access::Needs(Permission::DebatesWrite);
const EXPLAIN_READ: Access = Access::Needs(Permission::ExplainabilityRead);
const MARKETPLACE_READ: Access = Access::Needs(Permission::MarketplaceRead);
const MARKETPLACE_PUBLISH: Access = Access::Needs(Permission::MarketplacePublish);
const MARKETPLACE_RATE: Access = Access::Needs(Permission::MarketplaceRate);

const fn market(method: Method, path: &'static str, access: Access, id: RouteId) -> Route {
    route(Function::Marketplace, method, path, access, id)
}
const EXPLAIN_BATCH: Access = Access::Needs(Permission::ExplainabilityBatch);

/// Every route. Where a literal path and one with a parameter both fit, the literal one is meant,
/// as in API Gateway.
pub static ROUTES: &[Route] = &[
    route(Function::Webhooks, Method::POST, WEBHOOKS, WEBHOOKS_WRITE, RouteId::CreateWebhook),
    route(Function::Webhooks, Method::GET, WEBHOOKS, WEBHOOKS_READ, RouteId::ListWebhooks),
    route(Function::Webhooks, Method::GET, WEBHOOK, WEBHOOKS_READ, RouteId::GetWebhook),
    route(Function::Webhooks, Method::PUT, WEBHOOK, WEBHOOKS_WRITE, RouteId::UpdateWebhook),
    route(Function::Webhooks, Method::PATCH, WEBHOOK, WEBHOOKS_WRITE, RouteId::UpdateWebhook),
    route(Function::Webhooks, Method::DELETE, WEBHOOK, WEBHOOKS_DELETE, RouteId::DeleteWebhook),
    route(Function::Webhooks, Method::POST, REGENERATE, WEBHOOKS_WRITE, RouteId::RotateSecret),
    route(Function::Webhooks, Method::POST, ROTATE, WEBHOOKS_WRITE, RouteId::RotateSecret),
    route(Function::Webhooks, Method::POST, BULK, WEBHOOKS_WRITE, RouteId::CreateWebhooks),
    route(Function::Webhooks, Method::POST, PAUSE_ALL, WEBHOOKS_WRITE, RouteId::PauseWebhooks),
    route(Function::Webhooks, Method::POST, RESUME_ALL, WEBHOOKS_WRITE, RouteId::ResumeWebhooks),
    route(Function::Webhooks, Method::GET, SYSTEM_CIRCUITS, Access::Admin, RouteId::ListCircuits),
    route(Function::Webhooks, Method::GET, CIRCUITS, Access::Admin, RouteId::ListCircuits),
    route(Function::WebhookTest, Method::POST, TEST, WEBHOOKS_WRITE, RouteId::TestWebhook),
    route(Function::Webhooks, Method::GET, EVENT_TYPES, WEBHOOKS_READ, RouteId::ListEventTypes),
    route(Function::Webhooks, Method::GET, CATEGORIES, WEBHOOKS_READ, RouteId::ListEventCategories),
    route(Function::Receipts, Method::GET, RECEIPTS, WEBHOOKS_READ, RouteId::ListReceipts),
    route(Function::Receipts, Method::GET, RECEIPT, WEBHOOKS_READ, RouteId::GetReceipt),
    route(Function::Receipts, Method::POST, RETRY, WEBHOOKS_WRITE, RouteId::RetryReceipt),
    route(Function::Receipts, Method::GET, DELIVERIES, WEBHOOKS_READ, RouteId::ListReceipts),
    route(Function::Receipts, Method::GET, DELIVERY, WEBHOOKS_READ, RouteId::GetReceipt),
    route(Function::Receipts, Method::POST, RETRY_DELIVERY, WEBHOOKS_WRITE, RouteId::RetryReceipt),
    route(Function::Receipts, Method::GET, STATS, WEBHOOKS_READ, RouteId::WebhookStats),
    route(Function::Receipts, Method::GET, SLO_STATUS, WEBHOOKS_READ, RouteId::SloStatus),
    route(
        Function::Redeliveries,
        Method::GET,
        DEAD_LETTERS,
        WEBHOOKS_READ,
        RouteId::ListDeadLetters,
    ),
    route(Function::Redeliveries, Method::GET, DEAD_LETTER, WEBHOOKS_READ, RouteId::GetDeadLetter),
    route(
        Function::Redeliveries,
        Method::POST,
        RETRY_DEAD_LETTER,
        WEBHOOKS_WRITE,
        RouteId::RetryDeadLetter,
    ),
    route(
        Function::Redeliveries,
        Method::DELETE,
        DEAD_LETTER,
        WEBHOOKS_DELETE,
        RouteId::DeleteDeadLetter,
    ),
    route(
        Function::Redeliveries,
        Method::GET,
        ALL_DEAD_LETTERS,
        WEBHOOKS_READ,
        RouteId::ListDeadLetters,
    ),
    route(
        Function::Redeliveries,
        Method::GET,
        ONE_DEAD_LETTER,
        WEBHOOKS_READ,
        RouteId::GetDeadLetter,
    ),
    route(
        Function::Redeliveries,
        Method::POST,
        RETRY_ONE_DEAD_LETTER,
        WEBHOOKS_WRITE,
        RouteId::RetryDeadLetter,
    ),
    route(
        Function::Redeliveries,
        Method::DELETE,
        ONE_DEAD_LETTER,
        WEBHOOKS_DELETE,
        RouteId::DeleteDeadLetter,
    ),
    route(
        Function::Redeliveries,
        Method::POST,
        RETRY_MANY,
        WEBHOOKS_WRITE,
        RouteId::RetryDeadLetters,
    ),
    route(
        Function::Redeliveries,
        Method::POST,
        RETRY_MANY_DEAD_LETTERS,
        WEBHOOKS_WRITE,
        RouteId::RetryDeadLetters,
    ),
    route(Function::Redeliveries, Method::POST, RECOVER, WEBHOOKS_WRITE, RouteId::RecoverWebhook),
    route(Function::Redeliveries, Method::GET, JOBS, WEBHOOKS_READ, RouteId::ListJobs),
    route(Function::Redeliveries, Method::GET, JOB, WEBHOOKS_READ, RouteId::GetJob),
    route(Function::Redeliveries, Method::DELETE, JOB, WEBHOOKS_WRITE, RouteId::CancelJob),
    route(Function::ExplanationJobs, Method::POST, BATCHES, EXPLAIN_BATCH, RouteId::CreateBatch),
    route(Function::ExplanationJobs, Method::GET, BATCHES, EXPLAIN_READ, RouteId::ListBatches),
    route(Function::ExplanationJobs, Method::GET, BATCH, EXPLAIN_READ, RouteId::GetBatch),
    route(Function::ExplanationJobs, Method::GET, BATCH_STATUS, EXPLAIN_READ, RouteId::GetBatch),
    route(
        Function::ExplanationJobs,
        Method::GET,
        BATCH_RESULTS,
        EXPLAIN_READ,
        RouteId::BatchResults,
    ),
    route(Function::ExplanationJobs, Method::DELETE, BATCH, EXPLAIN_BATCH, RouteId::CancelBatch),
    route(Function::Events, Method::POST, EVENTS, EVENTS_WRITE, RouteId::PublishEvents),
    route(Function::Events, Method::GET, EVENTS, EVENTS_READ, RouteId::ListEvents),
    route(Function::Events, Method::GET, EVENT, EVENTS_READ, RouteId::GetEvent),
    route(Function::Events, Method::POST, DISPATCH, EVENTS_WRITE, RouteId::DispatchEvents),
    route(Function::Debates, Method::POST, DEBATES, DEBATES_WRITE, RouteId::TakeDebate),
    route(Function::Debates, Method::GET, DEBATES, DEBATES_READ, RouteId::ListDebates),
    route(Function::Debates, Method::GET, EXPORT_DEBATES, DEBATES_READ, RouteId::ExportDebates),
    route(Function::Debates, Method::GET, DEBATE, DEBATES_READ, RouteId::GetDebate),
    route(Function::Debates, Method::POST, DEBATE_EVENTS, DEBATES_WRITE, RouteId::StreamDebate),
    explanation(EXPLANATION, RouteId::ExplainDebate),
    explanation(EXPLAIN, RouteId::ExplainDebate),
    explanation(DEBATE_EXPLANATION, RouteId::ExplainDebate),
    explanation(EVIDENCE, RouteId::DebateEvidence),
    explanation(PIVOTS, RouteId::DebatePivots),
    explanation(COUNTERFACTUALS, RouteId::DebateCounterfactuals),
    explanation(SUMMARY, RouteId::DebateSummary),
    explanation(COMPARE, RouteId::CompareDebates),
    route(Function::Explanations, Method::POST, COMPARE, EXPLAIN_READ, RouteId::CompareDebates),
    explanation(CACHE, RouteId::CacheStatistics),
    route(
        Function::Explanations,
        Method::POST,
        INVALIDATE_CACHE,
        Access::Admin,
        RouteId::InvalidateCache,
    ),
    route(Function::Audit, Method::GET, AUDIT, Access::Admin, RouteId::ListAudit),
    route(Function::Audit, Method::GET, VERIFY_AUDIT, Access::Admin, RouteId::VerifyAudit),
    route(Function::Identity, Method::GET, ME, Access::Anybody, RouteId::Me),
    route(Function::Identity, Method::POST, KEY, Access::Person, RouteId::CreateKey),
    route(Function::Identity, Method::GET, KEY, Access::Person, RouteId::ListKeys),
    route(Function::Identity, Method::DELETE, KEY, Access::Person, RouteId::RevokeKey),
    route(Function::Identity, Method::POST, KEYS, Access::Person, RouteId::CreateKey),
    route(Function::Identity, Method::GET, KEYS, Access::Person, RouteId::ListKeys),
    route(Function::Identity, Method::DELETE, ONE_KEY, Access::Person, RouteId::RevokeKey),
    route(Function::Identity, Method::POST, TOKEN, Access::InBody, RouteId::RefreshToken),
    route(Function::Identity, Method::POST, LOGOUT_ALL, Access::Person, RouteId::EndSessions),
    route(Function::Identity, Method::GET, ROLES, Access::Anybody, RouteId::ListRoles),
    route(Function::Identity, Method::PUT, ROLE, Access::Admin, RouteId::PutRole),
    route(Function::Identity, Method::DELETE, ROLE, Access::Admin, RouteId::DeleteRole),
    route(Function::Identity, Method::GET, RATE_LIMITS, Access::Admin, RouteId::ShowLimits),
    market(Method::GET, TEMPLATES, MARKETPLACE_READ, RouteId::ListTemplates),
    market(Method::POST, TEMPLATES, MARKETPLACE_PUBLISH, RouteId::PublishTemplate),
    market(Method::GET, SEARCH_TEMPLATES, MARKETPLACE_READ, RouteId::SearchTemplates),
    market(Method::GET, MY_TEMPLATES, MARKETPLACE_READ, RouteId::MyTemplates),
    market(Method::GET, USERS_TEMPLATES, MARKETPLACE_READ, RouteId::MyTemplates),
    market(Method::POST, IMPORT_TEMPLATE, MARKETPLACE_READ, RouteId::ImportTemplate),
    market(Method::GET, FEATURED, MARKETPLACE_READ, RouteId::FeaturedTemplates),
    market(Method::GET, FEATURED_TEMPLATES, MARKETPLACE_READ, RouteId::FeaturedTemplates),
    market(Method::GET, TRENDING, MARKETPLACE_READ, RouteId::TrendingTemplates),
    market(Method::GET, TEMPLATE_CATEGORIES, MARKETPLACE_READ, RouteId::TemplateCategories),
    market(Method::GET, TEMPLATE, MARKETPLACE_READ, RouteId::GetTemplate),
    market(Method::PUT, TEMPLATE, MARKETPLACE_PUBLISH, RouteId::UpdateTemplate),
    market(Method::PATCH, TEMPLATE, MARKETPLACE_PUBLISH, RouteId::UpdateTemplate),
    market(Method::DELETE, TEMPLATE, MARKETPLACE_PUBLISH, RouteId::UnpublishTemplate),
    market(Method::GET, VERSIONS, MARKETPLACE_READ, RouteId::ListVersions),
    market(Method::POST, VERSIONS, MARKETPLACE_PUBLISH, RouteId::PublishVersion),
    market(Method::GET, VERSION, MARKETPLACE_READ, RouteId::GetVersion),
    market(Method::POST, DOWNLOAD, MARKETPLACE_READ, RouteId::DownloadTemplate),
    market(Method::GET, DOWNLOAD, MARKETPLACE_READ, RouteId::DownloadTemplate),
    market(Method::POST, RATE, MARKETPLACE_RATE, RouteId::RateTemplate),
    market(Method::GET, RATINGS, MARKETPLACE_READ, RouteId::ListRatings),
    market(Method::POST, RATINGS, MARKETPLACE_RATE, RouteId::RateTemplate),
    market(Method::GET, REVIEWS, MARKETPLACE_READ, RouteId::ListReviews),
    market(Method::POST, REVIEWS, MARKETPLACE_RATE, RouteId::ReviewTemplate),
    market(Method::POST, HELPFUL, MARKETPLACE_RATE, RouteId::ReviewHelped),
    market(Method::GET, RELATED, MARKETPLACE_READ, RouteId::RelatedTemplates),
    market(Method::GET, EXPORT, MARKETPLACE_READ, RouteId::ExportTemplate),
    route(Function::Health, Method::GET, HEALTH, Access::Public, RouteId::Health),
];

impl Route {
    /// The template's spelling of the same path under `/api/v1` and `/api/v2`.
    pub fn versioned_path(&self) -> String {
        self.path.replacen("/api/", "/api/{version}/", 1)
    }
}

/// What a method and a path lead to.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// A route, and the path's parameters, decoded.
    Route(&'static Route, Vec<(&'static str, String)>),
    /// The path exists and takes these methods.
    OtherMethods(Vec<Method>),
    /// Nothing.
    Nothing,
}

/// Finds the route of a request. `path` is as it was sent, still percent-encoded.
pub fn find(method: &Method, path: &str) -> Found {
    let Some(segments) = segments(path) else {
        return Found::Nothing;
    };
    let Some(best) =
        ROUTES.iter().filter_map(|route| fit(route.path, &segments)).max_by(Fit::compare)
    else {
        return Found::Nothing;
    };
    let wanted = if *method == Method::HEAD { &Method::GET } else { method };
    let of_path = || ROUTES.iter().filter(|route| route.path == best.pattern);
    match of_path().find(|route| route.method == *wanted) {
        Some(route) => Found::Route(route, best.params),
        None => Found::OtherMethods(of_path().map(|route| route.method.clone()).collect()),
    }
}

/// The decoded segments of a path after `/api`, without a version and one trailing slash.
fn segments(path: &str) -> Option<Vec<String>> {
    let inside = path.strip_suffix('/').unwrap_or(path).strip_prefix("/api/")?;
    let inside =
        inside.strip_prefix("v1/").or_else(|| inside.strip_prefix("v2/")).unwrap_or(inside);
    inside.split('/').map(decode_segment).collect()
}

struct Fit {
    pattern: &'static str,
    literal: Vec<bool>,
    params: Vec<(&'static str, String)>,
}

impl Fit {
    /// More exact is greater: the first segment in which one is literal and the other is not.
    fn compare(&self, other: &Self) -> std::cmp::Ordering {
        self.literal.cmp(&other.literal)
    }
}

fn fit(pattern: &'static str, segments: &[String]) -> Option<Fit> {
    let parts: Vec<&'static str> = pattern.strip_prefix("/api/")?.split('/').collect();
    if parts.len() != segments.len() {
        return None;
    }
    let mut fit = Fit { pattern, literal: Vec::with_capacity(parts.len()), params: Vec::new() };
    for (part, segment) in parts.into_iter().zip(segments) {
        let name = part.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        match name {
            Some(_) if segment.is_empty() => return None,
            Some(name) => fit.params.push((name, segment.clone())),
            None if part == segment => {}
            None => return None,
        }
        fit.literal.push(name.is_none());
    }
    Some(fit)
}

#[cfg(test)]
#[path = "routes_tests.rs"]
mod tests;

"""Puts template.yaml, as it is, on the emulator: build, package, deploy, routes.

What differs from `sam deploy` is small and all here: the binaries are zipped and uploaded by us,
and the HTTP API's routes are created from the processed template, because MiniStack 1.5.33 drops
the OpenAPI `Body` that the SAM transform puts them in.
"""

import hashlib
import io
import json
import platform
import re
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import boto3
from botocore.client import Config
from botocore.exceptions import ClientError

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "template.yaml"
REGION = "us-east-1"
STACK_NAME = "aragora"
BUCKET = "aragora-artifacts"
CODE_URI = re.compile(r"CodeUri: target/lambda/([a-z0-9-]+)/")
# `${WebhooksFunction.Arn}` in the integration that SAM writes for a route.
FUNCTION_IN_URI = re.compile(r"\$\{(\w+)\.Arn\}")

# What a machine needs differently from a deployment; everything else is the template's default.
LOCAL_PARAMETERS = {
    "Architecture": "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64",
    "Environment": "development",
    "RequireHttps": "false",
    "SsrfAllowLocalhost": "true",
    "DeletionProtection": "false",
    "FanOutMaximumConcurrency": "4",
    "DeliverMaximumConcurrency": "8",
}


class DeployError(Exception):
    """The stack could not be deployed; the message says why."""


def client(service: str, endpoint: str) -> Any:
    """An AWS client of the emulator's root user."""
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"max_attempts": 3}, connect_timeout=5, read_timeout=60),
    )


def function_names() -> list[str]:
    """The functions of the template, which are also the names of their packages and binaries."""
    return CODE_URI.findall(TEMPLATE.read_text())


def build(profile: str) -> Path:
    """Builds every function of the template and returns the directory of the binaries.

    `dev` builds the tests too: by itself a function has other features, and cargo would build
    all that it stands on a second time.
    """
    if profile == "dev":
        selected = ["--workspace", "--all-targets"]
    else:
        selected = [part for name in function_names() for part in ("-p", name)]
    command = ["cargo", "build", "--locked", "--profile", profile, *selected]
    if subprocess.run(command, cwd=ROOT).returncode != 0:
        raise DeployError("the functions do not build")
    metadata = ["cargo", "metadata", "--no-deps", "--format-version", "1"]
    target = json.loads(subprocess.check_output(metadata, cwd=ROOT))["target_directory"]
    return Path(target) / ("debug" if profile == "dev" else profile)


def package(binary: Path) -> bytes:
    """A Lambda zip of one binary; the same binary always gives the same bytes."""
    entry = zipfile.ZipInfo("bootstrap", date_time=(2000, 1, 1, 0, 0, 0))
    entry.external_attr = 0o755 << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        # Level 1: the zip does not leave the machine.
        archive.writestr(entry, binary.read_bytes(), compresslevel=1)
    return buffer.getvalue()


def upload(endpoint: str, binaries: Path) -> dict[str, str]:
    """Uploads each function's zip and returns where: `{function: s3://...}`."""
    s3 = client("s3", endpoint)
    s3.create_bucket(Bucket=BUCKET)
    places = {}
    for name in function_names():
        archive = package(binaries / name)
        # Named by content, so that a changed binary is a changed template.
        key = f"{name}-{hashlib.sha256(archive).hexdigest()[:16]}.zip"
        s3.put_object(Bucket=BUCKET, Key=key, Body=archive)
        places[name] = f"s3://{BUCKET}/{key}"
    return places


def upload_template(endpoint: str, body: str) -> str:
    """Uploads the template and returns its URL: sent along, it could have 51,200 bytes only."""
    key = f"template-{hashlib.sha256(body.encode()).hexdigest()[:16]}.yaml"
    client("s3", endpoint).put_object(Bucket=BUCKET, Key=key, Body=body.encode())
    return f"{endpoint}/{BUCKET}/{key}"


def deploy(endpoint: str, binaries: Path, overrides: dict[str, str]) -> None:
    """Creates or updates the stack and waits for it."""
    places = upload(endpoint, binaries)
    body = CODE_URI.sub(lambda found: f"CodeUri: {places[found[1]]}", TEMPLATE.read_text())
    template_url = upload_template(endpoint, body)
    parameters = LOCAL_PARAMETERS | overrides
    request = {
        "StackName": STACK_NAME,
        "TemplateURL": template_url,
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
        ],
    }
    cloudformation = client("cloudformation", endpoint)
    # AWS refuses these by itself; MiniStack ignores them, and then a typing error tests nothing.
    known = cloudformation.get_template_summary(TemplateURL=template_url)["Parameters"]
    if unknown := parameters.keys() - {parameter["ParameterKey"] for parameter in known}:
        raise DeployError(f"template.yaml has no parameter {', '.join(sorted(unknown))}")
    try:
        create_or_update(cloudformation, request)
    except ClientError as error:
        raise DeployError(error.response["Error"]["Message"]) from error
    create_routes(endpoint, cloudformation)


def create_or_update(cloudformation: Any, request: dict[str, Any]) -> None:
    try:
        cloudformation.create_stack(**request)
        waiter = cloudformation.get_waiter("stack_create_complete")
    except cloudformation.exceptions.AlreadyExistsException:
        try:
            cloudformation.update_stack(**request)
        except ClientError as error:
            if "No updates are to be performed" in str(error):
                return
            raise
        waiter = cloudformation.get_waiter("stack_update_complete")
    try:
        waiter.wait(StackName=STACK_NAME, WaiterConfig={"Delay": 1, "MaxAttempts": 120})
    except Exception as error:
        raise DeployError(first_failure(cloudformation)) from error


def first_failure(cloudformation: Any) -> str:
    """The first resource that failed, and why: the later ones are only its consequences."""
    events = cloudformation.describe_stack_events(StackName=STACK_NAME)["StackEvents"]
    failed = [event for event in events if event["ResourceStatus"].endswith("_FAILED")]
    if not failed:
        return "the stack did not become complete in time"
    # Newest first.
    return f"{failed[-1]['LogicalResourceId']}: {failed[-1].get('ResourceStatusReason')}"


def resources(cloudformation: Any) -> list[dict[str, Any]]:
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=STACK_NAME)
    return [resource for page in pages for resource in page["StackResourceSummaries"]]


def physical_id(cloudformation: Any, logical_id: str) -> str:
    found = cloudformation.describe_stack_resource(
        StackName=STACK_NAME, LogicalResourceId=logical_id
    )
    return found["StackResourceDetail"]["PhysicalResourceId"]


def create_routes(endpoint: str, cloudformation: Any) -> None:
    """Makes the API's routes those of the processed template."""
    wanted = wanted_routes(cloudformation)
    api = client("apigatewayv2", endpoint)
    api_id = physical_id(cloudformation, "Api")
    present = {
        route["RouteKey"]: route["RouteId"] for route in api.get_routes(ApiId=api_id)["Items"]
    }
    for route_key in present.keys() - wanted.keys():
        api.delete_route(ApiId=api_id, RouteId=present[route_key])
    functions = f"arn:aws:lambda:{REGION}:{account_id(endpoint)}:function"
    targets: dict[str, str] = {}
    for route_key in wanted.keys() - present.keys():
        function = wanted[route_key]
        if function not in targets:
            integration = api.create_integration(
                ApiId=api_id,
                IntegrationType="AWS_PROXY",
                IntegrationUri=f"{functions}:{physical_id(cloudformation, function)}",
                PayloadFormatVersion="2.0",
            )
            targets[function] = f"integrations/{integration['IntegrationId']}"
        api.create_route(ApiId=api_id, RouteKey=route_key, Target=targets[function])


def wanted_routes(cloudformation: Any) -> dict[str, str]:
    """Route key to the logical id of its function, from the `Body` that the transform wrote."""
    template = cloudformation.get_template(StackName=STACK_NAME, TemplateStage="Processed")
    body = template["TemplateBody"]
    processed = json.loads(body) if isinstance(body, str) else body
    routes = {}
    for path, methods in processed["Resources"]["Api"]["Properties"]["Body"]["paths"].items():
        for method, operation in methods.items():
            if method == "parameters":
                continue
            uri = operation["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]
            verb = "ANY" if method == "x-amazon-apigateway-any-method" else method.upper()
            route_key = "$default" if path == "/$default" else f"{verb} {path}"
            found = FUNCTION_IN_URI.search(uri)
            if found is None:
                raise DeployError(f"the route {route_key} has no function")
            routes[route_key] = found[1]
    return routes


def account_id(endpoint: str) -> str:
    return client("sts", endpoint).get_caller_identity()["Account"]


def api_host(endpoint: str) -> str:
    """The host name that the emulator knows the API by."""
    cloudformation = client("cloudformation", endpoint)
    return f"{physical_id(cloudformation, 'Api')}.execute-api.127.0.0.1"


def describe(endpoint: str, api_url: str) -> dict[str, Any]:
    """The contract of stack.json: everything a test or a tool needs to find the deployed parts."""
    cloudformation = client("cloudformation", endpoint)
    found: dict[str, dict[str, str]] = {"functions": {}, "queues": {}, "tables": {}}
    kinds = {
        "AWS::Lambda::Function": "functions",
        "AWS::SQS::Queue": "queues",
        "AWS::DynamoDB::Table": "tables",
    }
    for resource in resources(cloudformation):
        if kind := kinds.get(resource["ResourceType"]):
            physical = resource["PhysicalResourceId"]
            name = physical.rsplit("/", 1)[-1].removeprefix(f"{STACK_NAME}-")
            found[kind][name] = physical
    return {
        "api_url": api_url,
        "ws_url": "ws" + api_url.removeprefix("http"),
        "aws_endpoint_url": endpoint,
        "region": REGION,
        "account_id": account_id(endpoint),
        "jwt_secret": secret(endpoint, cloudformation, "JwtSecret"),
        "service_token": secret(endpoint, cloudformation, "ApiToken"),
        "stack_name": STACK_NAME,
        **found,
    }


def secret(endpoint: str, cloudformation: Any, logical_id: str) -> str:
    secrets = client("secretsmanager", endpoint)
    return secrets.get_secret_value(SecretId=physical_id(cloudformation, logical_id))[
        "SecretString"
    ]

"""How many explanations a CPU-second gives, by the published Python package.

    explain_reference.py DIRECTORY

The directory holds what `explain_bench` wrote: the debates as records, and our figures. The same
debates go through `aragora`'s ExplanationBuilder; one explanation is a result in memory built into
a Decision and written out as JSON, the way its own server answers (`json.dumps(to_dict())`).
Reading the record is not in it on either side. Prints both figures and their ratio, and writes
`ratio.json`.

Needs requirements-aragora.txt; of the package only what has no dependencies is imported.
"""

import asyncio
import json
import statistics
import sys
import time
from pathlib import Path
from types import SimpleNamespace

from aragora.explainability.builder import ExplanationBuilder

RUNS = 5
SECONDS_PER_RUN = 1.0


def result_of(record):
    """The record as the debate engine's own result, which is what the builder reads."""
    critiques = {}
    for critique in record["critiques"]:
        critiques.setdefault(critique["round"], {})[critique["critic"]] = critique["content"]
    return SimpleNamespace(
        id=record["debate_id"],
        task=record["task"],
        domain="general",
        participants=record["agents"],
        rounds_used=record["rounds"],
        proposals={each["agent"]: each["content"] for each in record["proposals"]},
        critiques=critiques,
        votes=[SimpleNamespace(**vote) for vote in record["votes"]],
        position_history=record["positions"],
        consensus_reached=record["consensus_reached"],
        final_answer=record["final_answer"],
        confidence=record["confidence"],
        consensus_margin=record["consensus_margin"],
    )


async def per_cpu_second(result):
    builder = ExplanationBuilder()
    figures = []
    for _ in range(RUNS + 1):
        explanations = 0
        begin = time.process_time()
        while (spent := time.process_time() - begin) < SECONDS_PER_RUN:
            for _ in range(100):
                decision = await builder.build(result)
                json.dumps(decision.to_dict())
            explanations += 100
        figures.append(explanations / spent)
    # The first run warms up.
    return statistics.median(figures[1:])


def main():
    directory = Path(sys.argv[1])
    ours = json.loads((directory / "ours.json").read_text())
    report = {}
    for name, figure in ours.items():
        record = json.loads((directory / f"{name}.json").read_text())
        reference = asyncio.run(per_cpu_second(result_of(record)))
        report[name] = {
            "per_cpu_second": round(figure),
            "reference_per_cpu_second": round(reference),
            "ratio": round(figure / reference, 1),
        }
        print(f"{name}: ours {figure:.0f}, reference {reference:.0f}, ratio {figure / reference:.1f}")
    (directory / "ratio.json").write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()

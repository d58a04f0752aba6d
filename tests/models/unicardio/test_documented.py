import re
from pathlib import Path

from bench.unicardio_golden import save_made_up

PAGE = Path(__file__).parents[3] / "docs" / "unicardio.md"


def test_the_documented_way_to_sample_works_as_it_stands(tmp_path) -> None:
    file = tmp_path / "unicardio.safetensors"
    save_made_up(file)
    (block,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    told = {}
    exec(block.replace("unicardio.safetensors", str(file)), told)  # noqa: S102

    assert told["abp"].shape == (1, 10, 500)
    assert [step.t for step in told["steps"]] == [48, 40, 32, 24, 16, 8]
    assert told["card"].name == "made-up"

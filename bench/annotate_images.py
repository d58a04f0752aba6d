"""How right annotations of scanned strips are: ``python -m bench.annotate_images``.

The windows of ``bench.annotate``, drawn as a recorder would; the rules beside them read the
signals, which nobody has of a scan.
"""

import argparse
import sys
from pathlib import Path
from typing import Final

import numpy as np
import torch

from bench.annotate import PER_GROUP, figures, judge, of_quality, windows
from bench.annotate_card import put_in_card
from bench.annotate_ways import Way, annotator_of, by_diffusion, by_rules, said_by
from bench.machine import machine
from bench.report import add_json_option, all_met, deliver
from models.lavida.answer import answer_of
from models.lavida.checkpoint import DIAL_STEPS
from models.lavida.network import LaViDa
from models.lavida.sampling import Dial
from models.lavida.views import image_views, prompt_of
from ops.strip.image import draw_strips
from ops.strip.score import Said
from schemas.restoration import F32

OF_IMAGES: Final = "diffusion, of images"


def of_images(network: LaViDa, device: str) -> Way:
    """Fill answers of the strips that a recorder would draw of the windows."""

    @torch.inference_mode()
    def say(signals: F32) -> list[Said]:
        images = torch.from_numpy(draw_strips(signals, np.random.default_rng(0))).to(device)
        given = torch.tensor([answer_of({})] * len(images), device=device)
        prompt = prompt_of(torch.ones(len(images), dtype=torch.bool, device=device))
        return said_by(
            by_diffusion(network, (image_views(images), prompt, given), Dial(DIAL_STEPS))
        )

    return Way(OF_IMAGES, DIAL_STEPS, say)


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_json_option(parser)
    parser.add_argument("--training", type=Path, required=True, help="what one on images has left")
    parser.add_argument("--data", type=Path, required=True, help="the cuff-less set")
    parser.add_argument("--per-group", type=int, default=PER_GROUP)
    parser.add_argument("--card", type=Path, help="checkpoint whose card is to say the figures")
    options = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    ways = [Way("rules", 0, by_rules), of_images(annotator_of(options.training, device), device)]
    sets, _ = windows(options.data, options.per_group)
    judged = {name: [judge(way, told) for way in ways] for name, told in sets.items()}
    reports = [of_quality(name, some) for name, some in judged.items()]
    deliver(options.json, reports, {"machine": machine()})
    if options.card:
        put_in_card(options.card, "judged", figures(judged, OF_IMAGES))
    return 0 if all_met(reports) else 1


if __name__ == "__main__":
    sys.exit(main())

"""One strip in an image into words about it; nothing is written."""

from pydantic import BaseModel
from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows.annotate_image_config import AnnotateImageConfig
from flows.show import say
from models.lavida.checkpoint import read_annotator
from models.lavida.image_annotator import LaVidaImageAnnotator
from models.lavida.sampling import Dial
from models.lavida.shipped import IMAGES
from models.reading import read_bytes
from ops.annotate.rows import slots_of
from ops.report.annotated import said_of
from ops.strip.read_image import MOST_BYTES, read_image
from schemas.template import Annotation


class AnnotatedImage(BaseModel):
    """What is said of an image; ``--json`` prints it.

    ``confidence`` is from 0 to 1 by slot, ``steps`` the passes through the network.
    """

    annotation: Annotation
    confidence: dict[str, float]
    steps: int
    model_id: str


def annotate_image(config: AnnotateImageConfig) -> AnnotatedImage:
    """Annotate the strip in an image.

    Raises:
        OSError: where the image or the checkpoint can't be read.
        ValueError: where the image is none, or the checkpoint not one that looks at images.
    """
    image = read_image(read_bytes(config.image, MOST_BYTES), config.image)
    checkpoint = read_annotator(config.checkpoint or str(IMAGES))
    annotator = LaVidaImageAnnotator(checkpoint, Dial(config.steps) if config.steps else None)
    out = annotator.annotate(image[None], [{}])
    return AnnotatedImage(
        annotation=out.annotations[0],
        confidence={slot: round(float(sure[0]), 4) for slot, sure in out.confidence.items()},
        steps=int(out.steps[0]),
        model_id=annotator.model_id,
    )


def show_image(annotated: AnnotatedImage, console: Console) -> None:
    """Print what is said, slot by slot, and how sure it is."""
    sure = {f"{slot}_confidence": value for slot, value in annotated.confidence.items()}
    table = Table("slot", "what is said", "sure")
    for said in said_of(slots_of(annotated.annotation) | sure):
        table.add_row(said.slot, Text(said.words), said.sure)
    console.print(table)
    say(console, f"by {annotated.model_id} in {annotated.steps} steps; no diagnosis")

"""Draws the pictures of the sample data: landscapes, plans, charts, tiles, logos. Equal seeds draw equal ones."""

import math
import random
from functools import cache
from io import BytesIO

from PIL import Image, ImageDraw, ImageFilter, ImageOps

SIZE = (960, 640)
_Colour = tuple[int, int, int]
_Scene = tuple[_Colour, _Colour, _Colour, tuple[tuple[int, int, _Colour], ...]]

# Horizon, zenith, light, and rows of hills from back to front: (height of the line, how much it swings, colour).
_SCENES: dict[str, _Scene] = {
    "hills": (
        (251, 201, 148),
        (126, 158, 190),
        (255, 243, 214),
        ((347, 37, (178, 168, 172)), (405, 50, (132, 141, 154)), (470, 56, (88, 113, 128)), (560, 40, (24, 56, 64))),
    ),
    "fog": (
        (232, 236, 233),
        (163, 184, 190),
        (255, 252, 240),
        ((300, 32, (196, 207, 207)), (363, 37, (164, 181, 182)), (427, 43, (124, 148, 150)), (570, 32, (43, 70, 73))),
    ),
    "summit": (
        (255, 178, 122),
        (116, 76, 122),
        (255, 226, 170),
        ((330, 80, (176, 108, 124)), (416, 90, (132, 78, 108)), (496, 64, (84, 52, 86)), (580, 37, (42, 28, 56))),
    ),
    "coast": (
        (214, 238, 246),
        (74, 152, 206),
        (255, 255, 236),
        ((368, 26, (96, 150, 166)), (405, 3, (32, 122, 158)), (470, 6, (52, 156, 178)), (580, 18, (232, 212, 170))),
    ),
    "dusk": (
        (246, 170, 140),
        (38, 52, 104),
        (250, 244, 228),
        ((373, 32, (120, 98, 138)), (437, 43, (82, 76, 126)), (507, 43, (50, 54, 102)), (576, 32, (22, 28, 62))),
    ),
}
SCENES = tuple(_SCENES)


def landscape(scene: str, seed: int, *, size: tuple[int, int] = SIZE) -> Image.Image:
    """Draw a landscape. *scene* is one of SCENES; the seed moves its hills and its sun."""
    low, high, light, layers = _SCENES[scene]
    chance = random.Random(seed)  # noqa: S311
    image = ImageOps.colorize(_ramp(), black=high, white=low, blackpoint=0, whitepoint=190)
    _glow(
        image,
        centre=(chance.randrange(150, 800), chance.randrange(90, 320)),
        radius=chance.randrange(22, 56),
        colour=light,
    )
    for base, swing, colour in layers:
        _ridge(image, base + chance.randrange(-18, 19), swing, colour, chance)
    return image if size == SIZE else image.resize(size, Image.Resampling.LANCZOS)


def plan(seed: int) -> Image.Image:
    """Draw the plan of a floor."""
    chance = random.Random(seed)  # noqa: S311
    image = Image.new("RGB", SIZE, (250, 251, 249))
    draw = ImageDraw.Draw(image)
    for x in range(0, SIZE[0], 32):
        draw.line((x, 0, x, SIZE[1]), fill=(228, 234, 236))
    for y in range(0, SIZE[1], 32):
        draw.line((0, y, SIZE[0], y), fill=(228, 234, 236))
    ink = (42, 78, 110)
    draw.rectangle((96, 96, 864, 544), outline=ink, width=8)
    for x in sorted(chance.sample(range(192, 800, 32), 3)):
        middle = chance.randrange(224, 448, 32)
        draw.line((x, 96, x, middle - 40), fill=ink, width=6)
        draw.line((x, middle + 24, x, 544), fill=ink, width=6)
        draw.arc((x - 64, middle - 40, x + 64, middle + 88), 270, 360, fill=ink, width=2)
    for _ in range(9):
        x, y = chance.randrange(128, 800, 32), chance.randrange(128, 480, 32)
        colour = chance.choice([(214, 229, 222), (233, 222, 204), (214, 224, 238)])
        draw.rectangle((x, y, x + chance.choice([32, 64, 96]), y + 32), fill=colour, outline=ink, width=2)
    return image


def chart(seed: int) -> Image.Image:
    """Draw a chart of twelve bars and a line."""
    chance = random.Random(seed)  # noqa: S311
    image = Image.new("RGB", SIZE, (255, 255, 255))
    draw = ImageDraw.Draw(image)
    for y in range(96, 545, 64):
        draw.line((80, y, 900, y), fill=(226, 231, 236), width=2)
    points = []
    for month in range(12):
        value = (math.sin((month - 2.5) / 12 * math.tau) + 1.3) * 150 + chance.randrange(-25, 26)
        x = 96 + month * 68
        draw.rectangle((x, 544 - value, x + 40, 544), fill=(11, 101, 92) if month % 2 else (64, 150, 138))
        points.append((x + 20, 544 - value * 0.7 - 60))
    draw.line(points, fill=(224, 130, 40), width=5, joint="curve")
    for x, y in points:
        draw.ellipse((x - 7, y - 7, x + 7, y + 7), fill=(255, 255, 255), outline=(224, 130, 40), width=4)
    return image


def tiles(seed: int) -> Image.Image:
    """Draw glazed tiles."""
    chance = random.Random(seed)  # noqa: S311
    image = Image.new("RGB", SIZE, (236, 230, 220))
    draw = ImageDraw.Draw(image)
    palette = chance.choice(
        [
            [(34, 87, 122), (56, 163, 165), (199, 227, 217), (250, 243, 224)],
            [(141, 73, 37), (212, 137, 85), (240, 209, 170), (252, 244, 232)],
            [(52, 58, 92), (112, 120, 170), (206, 209, 230), (248, 246, 238)],
        ]
    )
    for y in range(0, SIZE[1], 80):
        for x in range(0, SIZE[0], 80):
            draw.rectangle((x + 3, y + 3, x + 76, y + 76), fill=chance.choice(palette))
            start = chance.choice([0, 90, 180, 270])
            box = {0: (x - 37, y - 37), 90: (x + 43, y - 37), 180: (x + 43, y + 43), 270: (x - 37, y + 43)}[start]
            draw.pieslice((*box, box[0] + 74, box[1] + 74), start, start + 90, fill=chance.choice(palette))
    return image


def logo(seed: int, colour: _Colour) -> Image.Image:
    """Draw a mark of 256 pixels in one colour."""
    chance = random.Random(seed)  # noqa: S311
    image = Image.new("RGB", (1024, 1024), colour)
    draw = ImageDraw.Draw(image)
    light = tuple(part + (255 - part) * 5 // 6 for part in colour)
    count, turn = chance.choice([3, 5, 6, 8]), chance.random() * 60
    for number in range(count):
        angle = math.radians(turn + 360 * number / count)
        x, y = 512 + 190 * math.cos(angle), 512 + 190 * math.sin(angle)
        draw.ellipse((x - 135, y - 135, x + 135, y + 135), fill=light)
    draw.ellipse((512 - 95, 512 - 95, 512 + 95, 512 + 95), fill=colour)
    return image.resize((256, 256), Image.Resampling.LANCZOS)


def encoded(image: Image.Image, name: str) -> bytes:
    """Return the picture in the format that the ending of *name* says: .jpg, .png or .webp. It has no EXIF data."""
    target = BytesIO()
    if name.endswith(".png"):
        image.convert("P", palette=Image.Palette.ADAPTIVE, colors=64).save(target, "PNG")
    elif name.endswith(".webp"):
        image.save(target, "WEBP", quality=78, method=2)
    else:
        image.save(target, "JPEG", quality=82)
    return target.getvalue()


def _glow(image: Image.Image, *, centre: tuple[int, int], radius: int, colour: _Colour) -> None:
    """Paint a disc with light around it."""
    x, y = centre
    # Light is blurred at a quarter of the size: nobody sees the difference, and it takes a twentieth of the time.
    soft = Image.new("L", (SIZE[0] // 4, SIZE[1] // 4), 0)
    draw = ImageDraw.Draw(soft)
    for reach, strength in ((radius * 3.2, 80), (radius * 1.6, 130)):
        draw.ellipse([each / 4 for each in (x - reach, y - reach, x + reach, y + reach)], fill=strength)
    image.paste(colour, (0, 0), soft.filter(ImageFilter.BoxBlur(radius / 4)).resize(SIZE, Image.Resampling.BILINEAR))
    disc = Image.new("L", SIZE, 0)
    ImageDraw.Draw(disc).ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    image.paste(colour, (0, 0), disc.filter(ImageFilter.BoxBlur(1)))


def _ridge(image: Image.Image, base: int, swing: int, colour: _Colour, chance: random.Random) -> None:
    """Paint a row of hills, and the haze in front of it."""
    width, height = SIZE
    waves = [(chance.uniform(0.6, 4.5), chance.uniform(0, math.tau), chance.uniform(0.2, 1)) for _ in range(4)]
    total = sum(weight for _, _, weight in waves)
    line = [
        (x, base + swing * sum(w * math.sin(f * math.tau * x / width + p) for f, p, w in waves) / total)
        for x in range(0, width + 6, 6)
    ]
    mask = Image.new("L", SIZE, 0)
    ImageDraw.Draw(mask).polygon([*line, (width, height), (0, height)], fill=255)
    image.paste(colour, (0, 0), mask.filter(ImageFilter.BoxBlur(0.6)))
    image.paste(tuple(min(255, part + 40) for part in colour), (0, height - 140), _haze())


@cache
def _ramp() -> Image.Image:
    return Image.linear_gradient("L").resize(SIZE, Image.Resampling.BILINEAR)


@cache
def _haze() -> Image.Image:
    return Image.linear_gradient("L").resize((SIZE[0], 140)).point(lambda value: value // 7)

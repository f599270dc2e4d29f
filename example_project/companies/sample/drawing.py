"""Draws the landscapes of the sample pictures."""

import math
import random
from io import BytesIO

from PIL import Image, ImageDraw, ImageFilter, ImageOps

SIZE = (1800, 1200)
_Colour = tuple[int, int, int]


def hills_jpeg() -> bytes:
    """Draw misty hills at sunrise."""
    image = _gradient((251, 201, 148), (126, 158, 190))
    _glow(image, centre=(1240, 560), radius=95, colour=(255, 243, 214))
    layers = [
        (650, 70, (178, 168, 172)),
        (760, 95, (132, 141, 154)),
        (880, 105, (88, 113, 128)),
        (1000, 90, (50, 84, 96)),
        (1100, 60, (24, 56, 64)),
    ]
    return _jpeg(_ridges(image, layers, seed=7))


def dunes_jpeg() -> bytes:
    """Draw dunes below stars and a moon."""
    image = _gradient((74, 63, 112), (12, 18, 48))
    draw = ImageDraw.Draw(image)
    chance = random.Random(21)  # noqa: S311
    for _ in range(420):
        x, y = chance.randrange(SIZE[0]), int(chance.random() ** 1.4 * 800)
        light = chance.randrange(120, 255)
        radius = chance.choice([0.6, 0.9, 1.4])
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(light, light, min(255, light + 15)))
    _glow(image, centre=(470, 300), radius=70, colour=(244, 240, 222))
    layers = [
        (740, 40, (112, 82, 112)),
        (860, 75, (86, 60, 92)),
        (980, 70, (58, 40, 70)),
        (1090, 50, (32, 24, 48)),
    ]
    return _jpeg(_ridges(image, layers, seed=3))


def valley_jpeg() -> bytes:
    """Draw ridges that fade into fog."""
    image = _gradient((232, 236, 233), (163, 184, 190))
    _glow(image, centre=(820, 330), radius=70, colour=(255, 252, 240))
    layers = [
        (560, 60, (196, 207, 207)),
        (680, 70, (164, 181, 182)),
        (800, 80, (124, 148, 150)),
        (940, 90, (82, 110, 113)),
        (1090, 60, (43, 70, 73)),
    ]
    return _jpeg(_ridges(image, layers, seed=11))


def summit_jpeg() -> bytes:
    """Draw mountains in a red evening."""
    image = _gradient((255, 178, 122), (116, 76, 122))
    _glow(image, centre=(560, 640), radius=120, colour=(255, 226, 170))
    layers = [
        (620, 150, (176, 108, 124)),
        (780, 170, (132, 78, 108)),
        (930, 120, (84, 52, 86)),
        (1090, 70, (42, 28, 56)),
    ]
    return _jpeg(_ridges(image, layers, seed=18))


def coast_jpeg() -> bytes:
    """Draw a sea between a bright sky and a beach."""
    image = _gradient((214, 238, 246), (74, 152, 206))
    _glow(image, centre=(1380, 230), radius=85, colour=(255, 255, 236))
    layers = [
        (690, 50, (96, 150, 166)),
        (760, 4, (32, 122, 158)),
        (880, 10, (52, 156, 178)),
        (980, 16, (142, 206, 204)),
        (1040, 34, (232, 212, 170)),
        (1130, 30, (214, 188, 140)),
    ]
    return _jpeg(_ridges(image, layers, seed=5))


def dusk_jpeg() -> bytes:
    """Draw blue hills after sunset."""
    image = _gradient((246, 170, 140), (38, 52, 104))
    _glow(image, centre=(980, 250), radius=46, colour=(250, 244, 228))
    layers = [
        (700, 60, (120, 98, 138)),
        (820, 80, (82, 76, 126)),
        (950, 80, (50, 54, 102)),
        (1080, 60, (22, 28, 62)),
    ]
    return _jpeg(_ridges(image, layers, seed=29))


def _gradient(low: _Colour, high: _Colour) -> Image.Image:
    """Return a sky, *high* at its top and *low* at the horizon."""
    ramp = Image.linear_gradient("L").resize(SIZE, Image.Resampling.BICUBIC)
    return ImageOps.colorize(ramp, black=high, white=low, blackpoint=0, whitepoint=190)


def _glow(image: Image.Image, *, centre: tuple[int, int], radius: int, colour: _Colour) -> None:
    """Paint a disc with light around it."""
    x, y = centre
    for reach, strength in ((radius * 3.2, 90), (radius * 1.6, 120), (radius, 255)):
        mask = Image.new("L", SIZE, 0)
        box = (x - reach, y - reach, x + reach, y + reach)
        ImageDraw.Draw(mask).ellipse(box, fill=strength)
        mask = mask.filter(ImageFilter.GaussianBlur(2 if reach == radius else reach / 2.2))
        image.paste(colour, (0, 0), mask)


def _ridges(image: Image.Image, layers: list[tuple[int, int, _Colour]], *, seed: int) -> Image.Image:
    """Paint rows of hills from back to front: (height of the line, how much it swings, colour)."""
    width, height = SIZE
    chance = random.Random(seed)  # noqa: S311
    for base, swing, colour in layers:
        waves = [(chance.uniform(0.6, 4.5), chance.uniform(0, math.tau), chance.uniform(0.2, 1)) for _ in range(4)]
        total = sum(weight for _, _, weight in waves)
        line = [
            (x, base + swing * sum(w * math.sin(f * math.tau * x / width + p) for f, p, w in waves) / total)
            for x in range(0, width + 6, 6)
        ]
        mask = Image.new("L", SIZE, 0)
        ImageDraw.Draw(mask).polygon([*line, (width, height), (0, height)], fill=255)
        image.paste(colour, (0, 0), mask.filter(ImageFilter.GaussianBlur(0.9)))
        haze = Image.linear_gradient("L").resize((width, 260)).point(lambda value: value // 7)
        light = tuple(min(255, part + 40) for part in colour)
        image.paste(light, (0, height - 260), haze)
    return image


def _jpeg(image: Image.Image) -> bytes:
    target = BytesIO()
    image.save(target, "JPEG", quality=88, progressive=True)
    return target.getvalue()

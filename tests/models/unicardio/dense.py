"""UniCardio with nothing left out: every slot, every token and the whole attention, each time.

It shares no code with ``models.unicardio`` and is what that package is held against, in numbers
and in speed.

Shapes: N rows, B windows, S samples a window, L = 2000 tokens in four slots, C = 288 channels.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

N_STEPS, N_SLOTS, SLOT, C = 50, 4, 500, 288
L = N_SLOTS * SLOT
N_BLOCKS, N_HEADS, FEED_FORWARD, EMBEDDING = 5, 8, 64, 256
KERNELS = (1, 3, 5, 7, 9, 11)

BETA = torch.linspace(math.sqrt(1e-4), math.sqrt(0.5), N_STEPS, dtype=torch.float64) ** 2
ALPHA_BAR = torch.cumprod(1 - BETA, 0)

Draws = Callable[[int], Tensor]  # k to (B, 1, 500)


def visible(conditions: tuple[int, ...], target: int) -> Tensor:
    """Tell which slot (row) reads which slot (column), (4, 4).

    Unused slots read the conditions, as a row that reads nothing has no softmax.
    """
    seen = torch.zeros(N_SLOTS, N_SLOTS, dtype=torch.bool)
    seen[:, list(conditions)] = True
    seen[target, target] = True
    return seen


@lru_cache(maxsize=8)
def attention_mask(conditions: tuple[int, ...], target: int, device: torch.device) -> Tensor:
    """Prepare what is added to the logits, (L, L): 0 where a token is read, else -inf."""
    hidden = ~visible(conditions, target).to(device)
    mask = torch.zeros(N_SLOTS, N_SLOTS, device=device).masked_fill(hidden, -math.inf)
    return mask.repeat_interleave(SLOT, 0).repeat_interleave(SLOT, 1)


def timestep_table() -> Tensor:
    """Sines, then cosines of 128 frequencies, (50, 256).

    In float32 as trained: the arguments reach 5e5, where float64 gives other numbers.
    """
    half = EMBEDDING // 2
    frequencies = 10.0 ** (torch.arange(half) / (half - 1) * 4.0)
    angles = torch.arange(N_STEPS)[:, None] * frequencies
    return torch.cat([angles.sin(), angles.cos()], 1)


def position_table() -> Tensor:
    """Sines at even channels, cosines at odd, over all slots in float32, (L, C)."""
    angles = torch.arange(L)[:, None] * (1 / torch.pow(10000.0, torch.arange(0, C, 2) / C))
    return torch.stack([angles.sin(), angles.cos()], 2).flatten(1)


class Encoder(nn.Module):
    """Six convolutions of one slot, side by side."""

    def __init__(self) -> None:
        super().__init__()
        width = C // len(KERNELS)
        self.conv_layers = nn.ModuleList(
            nn.Conv1d(1, width, kernel, padding=kernel // 2) for kernel in KERNELS
        )

    def forward(self, x: Tensor) -> Tensor:  # (N, 1, 500) to (N, C, 500)
        return torch.cat([conv(x) for conv in self.conv_layers], 1)


class TimestepEmbedding(nn.Module):
    """Row t of the table through two layers."""

    table: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("table", timestep_table(), persistent=False)
        self.projection1 = nn.Linear(EMBEDDING, EMBEDDING)
        self.projection2 = nn.Linear(EMBEDDING, EMBEDDING)

    def forward(self, t: int) -> Tensor:  # (256,)
        return F.silu(self.projection2(F.silu(self.projection1(self.table[t]))))


class SelfAttention(nn.Module):
    """Eight heads over all tokens, under an additive mask."""

    def __init__(self) -> None:
        super().__init__()
        self.in_proj_weight = nn.Parameter(torch.empty(3 * C, C))
        self.in_proj_bias = nn.Parameter(torch.empty(3 * C))
        self.out_proj = nn.Linear(C, C)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:  # (N, L, C)
        qkv = F.linear(x, self.in_proj_weight, self.in_proj_bias)
        q, k, v = qkv.view(len(x), L, 3, N_HEADS, C // N_HEADS).permute(2, 0, 3, 1, 4)
        read = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)  # (N, H, L, C/H)
        return self.out_proj(read.transpose(1, 2).reshape(len(x), L, C))  # type: ignore[no-any-return]


class TransformerLayer(nn.Module):
    """Attention and a feed-forward, each added and then normed."""

    def __init__(self) -> None:
        super().__init__()
        self.self_attn = SelfAttention()
        self.linear1 = nn.Linear(C, FEED_FORWARD)
        self.linear2 = nn.Linear(FEED_FORWARD, C)
        self.norm1 = nn.LayerNorm(C)
        self.norm2 = nn.LayerNorm(C)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:  # (N, L, C)
        x = self.norm1(x + self.self_attn(x, mask))
        return self.norm2(x + self.linear2(F.gelu(self.linear1(x))))  # type: ignore[no-any-return]


class Block(nn.Module):
    """One residual block; its position term is constant and made when weights are loaded."""

    def __init__(self) -> None:
        super().__init__()
        self.diffusion_projection = nn.Linear(EMBEDDING, C)
        self.cond_projection = nn.Linear(C, 2 * C)
        self.mid_projection = nn.Linear(C, 2 * C)
        self.output_projection = nn.Linear(C, 2 * C)
        self.time_layer = nn.ModuleDict({"layers": nn.ModuleList([TransformerLayer()])})
        self.position = nn.Buffer(torch.empty(L, 2 * C), persistent=False)

    def forward(self, x: Tensor, step: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Give the next tokens and the skip, both (N, L, C)."""
        layer = self.get_submodule("time_layer.layers.0")
        y = layer(x + self.diffusion_projection(step), mask)
        first, second = (self.mid_projection(y) + self.position).chunk(2, -1)  # (N, L, C) each
        y = self.output_projection(torch.sigmoid(first) * torch.tanh(second))
        residual, skip = y.chunk(2, -1)
        return (x + residual) / math.sqrt(2), skip


class DenseUniCardio(nn.Module):
    """The network and its samplers, from a state dict whose keys have no ``module.``."""

    def __init__(self, weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        for slot in range(1, N_SLOTS + 1):
            self.add_module(f"input_projection_modality_{slot}", Encoder())
            self.add_module(f"norm{slot}", nn.LayerNorm((C, SLOT)))
        for head in range(1, N_SLOTS):
            self.add_module(f"output_projection{head}_1", nn.Linear(C, C))
            self.add_module(f"output_projection{head}_2", nn.Linear(C, 1))
        self.diffusion_embedding = TimestepEmbedding()
        blocks = [Block() for _ in range(N_BLOCKS)]
        self.residual_layers = nn.ModuleList(blocks)
        self.load_state_dict(dict(_called(weights)))
        self.requires_grad_(False).eval()
        positions = position_table()
        for block in blocks:
            block.position.copy_(block.cond_projection(positions))

    def encode(self, x: Tensor) -> Tensor:
        """Turn all slots, (N, 1, L), into tokens, (N, L, C)."""
        slots = []
        for slot, signal in enumerate(torch.split(x, SLOT, -1), 1):
            encoder = self.get_submodule(f"input_projection_modality_{slot}")
            slots.append(self.get_submodule(f"norm{slot}")(encoder(signal)))
        return torch.cat(slots, -1).transpose(1, 2).contiguous()

    def forward(
        self, x: Tensor, t: int, conditions: tuple[int, ...], target: int, head: int
    ) -> Tensor:
        """Predict the noise in the target's slot of ``x``, (N, 1, L) to (N, 500)."""
        mask = attention_mask(conditions, target, x.device)
        step = self.diffusion_embedding(t)
        of_target = slice(target * SLOT, (target + 1) * SLOT)
        tokens = self.encode(x)
        skips = torch.zeros(len(x), SLOT, C, device=x.device)
        for block in self.residual_layers:
            tokens, skip = block(tokens, step, mask)
            skips += skip[:, of_target]
        first, second = (self.get_submodule(f"output_projection{head + 1}_{i}") for i in (1, 2))
        return second(F.relu(first(skips / math.sqrt(N_BLOCKS))))[..., 0]  # type: ignore[no-any-return]

    def batched(
        self,
        x: Tensor,
        t: int,
        conditions: tuple[int, ...],
        target: int,
        head: int,
        chunk: int | None = None,
    ) -> Tensor:
        """Predict as ``forward`` does, at most ``chunk`` rows at once."""
        parts = torch.split(x, chunk or len(x))
        return torch.cat([self(part, t, conditions, target, head) for part in parts])

    def ddpm(
        self,
        observed: Tensor,
        conditions: tuple[int, ...],
        target: int,
        head: int,
        draws: Draws,
        n_samples: int,
        chunk: int | None = None,
        first: int = N_STEPS - 1,
    ) -> Tensor:
        """Sample by ancestral steps from ``first`` down to 0, (B, 1, L) to (B, S, 500).

        A sample starts from one draw and takes one more a step; that of t = 0 goes unused.
        """
        a_sample = first + 2
        rows = observed.repeat_interleave(n_samples, 0)  # (B*S, 1, L)
        x_t = rows[..., target * SLOT : (target + 1) * SLOT]
        x_t.copy_(_drawn(draws, n_samples, a_sample, 0))
        for t in range(first, -1, -1):
            beta, alpha_bar = float(BETA[t]), float(ALPHA_BAR[t])
            eps = self.batched(rows, t, conditions, target, head, chunk)[:, None]
            mean = (x_t - beta / math.sqrt(1 - alpha_bar) * eps) / math.sqrt(1 - beta)
            if t > 0:
                sigma = math.sqrt((1 - float(ALPHA_BAR[t - 1])) / (1 - alpha_bar) * beta)
                mean += sigma * _drawn(draws, n_samples, a_sample, first + 1 - t)
            x_t.copy_(mean)
        return x_t.reshape(len(observed), n_samples, SLOT)

    def ddim(
        self,
        observed: Tensor,
        conditions: tuple[int, ...],
        target: int,
        head: int,
        draws: Draws,
        n_samples: int,
        n: int = 6,
        keep_x0: bool = False,
        chunk: int | None = None,
    ) -> Tensor:
        """Sample by n deterministic steps down to t = 0, (B, 1, L) to (B, S, 500).

        n is 3, 4 or 6: 50 // n is the step, and n of them may not pass t = 49.
        ``keep_x0`` goes on from the clean estimate instead of the next x, as the release does
        from ECG to BP.
        """
        rows = observed.repeat_interleave(n_samples, 0)  # (B*S, 1, L)
        x_t = rows[..., target * SLOT : (target + 1) * SLOT]
        x_t.copy_(_drawn(draws, n_samples, 1, 0))
        stride = N_STEPS // n
        for t in range(n * stride, 0, -stride):
            now, then = float(ALPHA_BAR[t]), float(ALPHA_BAR[t - stride])
            eps = self.batched(rows, t, conditions, target, head, chunk)[:, None]
            x_0 = (x_t - math.sqrt(1 - now) * eps) / math.sqrt(now)
            x_t.copy_(x_0 if keep_x0 else math.sqrt(then) * x_0 + math.sqrt(1 - then) * eps)
        return x_t.reshape(len(observed), n_samples, SLOT)


def _called(weights: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    """Keep what the network calls; convolutions of kernel 1 become linear layers."""
    for key, weight in weights.items():
        if key == "alpha_torch" or ".feature_layer." in key:
            continue
        is_kernel = "conv_layers" in key or weight.ndim < 3
        yield key.removeprefix("diffmodel."), weight if is_kernel else weight[..., 0]


def _drawn(draws: Draws, n_samples: int, per_sample: int, k: int) -> Tensor:
    """Take draw k of every sample, (B*S, 1, 500)."""
    drawn = [draws(s * per_sample + k) for s in range(n_samples)]  # (B, 1, 500) each
    return torch.stack(drawn, 1).flatten(0, 1)

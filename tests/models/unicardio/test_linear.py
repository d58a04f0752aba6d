import pytest
import torch
import torch.nn.functional as F

from models.unicardio.linear import Linear


@pytest.mark.parametrize("shape", [(1, 1), (3, 500), (2, 7)])
def test_the_fast_kernel_gives_what_pytorchs_own_gives(shape) -> None:
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(64, 288, generator=generator) / 17
    bias, x = torch.randn(5, 64, generator=generator), torch.randn(*shape, 288, generator=generator)
    addend, linear = torch.randn(*shape, 64, generator=generator), Linear(weight, bias)
    row = torch.tensor([3])
    plain = F.linear(x, weight, bias[3])

    torch.testing.assert_close(linear(x, row=row), plain, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(
        linear(x, row=row, addend=addend), plain + addend, rtol=1e-5, atol=1e-5
    )
    torch.testing.assert_close(
        linear(x, row=row, activation="gelu"), F.gelu(plain), rtol=1e-5, atol=1e-5
    )
    rough = linear.bfloat16()(x.bfloat16(), row=row).float()
    torch.testing.assert_close(rough, plain, rtol=0.05, atol=0.05)


def test_memory_that_is_not_in_order_is_read_in_order() -> None:
    x = torch.randn(2, 288, 10).transpose(1, 2)
    linear = Linear(torch.randn(64, 288), torch.zeros(64))

    torch.testing.assert_close(linear(x), linear(x.contiguous()))

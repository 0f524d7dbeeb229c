import pytest
import torch

from training.muon import Muon, orthogonal


@pytest.mark.parametrize("shape", [(8, 8), (6, 30), (30, 6), (1, 9)])
def test_what_is_made_orthogonal_nearly_is(shape):
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    singular = torch.linalg.svdvals(orthogonal(matrix))
    # The fast coefficients leave singular values between 0.7 and 1.2 (Jordan et al. 2024).
    assert float(singular.min()) > 0.6 and float(singular.max()) < 1.3


def test_the_directions_stay():
    source = torch.Generator().manual_seed(2)
    matrix = torch.randn(10, 14, generator=source)
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    exact = left @ right
    found = orthogonal(matrix)
    share = (found * exact).sum() / (found.norm() * exact.norm())
    assert float(share) > 0.97


def test_the_length_of_a_matrix_does_not_matter():
    matrix = torch.randn(6, 6, generator=torch.Generator().manual_seed(3))
    torch.testing.assert_close(orthogonal(8.0 * matrix), orthogonal(matrix), atol=0.05, rtol=0.0)


def test_nothing_made_orthogonal_is_nothing():
    assert not orthogonal(torch.zeros(4, 5)).any()


def stepped(gradient, kernel, lr=0.1):
    kernel = kernel.clone().requires_grad_()
    kernel.grad = gradient
    Muon([kernel], lr=lr).step()
    return kernel.detach()


def test_a_zero_gradient_moves_nothing():
    kernel = torch.randn(4, 3, 3, 3)
    assert torch.equal(stepped(torch.zeros_like(kernel), kernel), kernel)


def test_no_gradient_moves_nothing():
    kernel = torch.randn(4, 3, 3, 3)
    assert torch.equal(stepped(None, kernel), kernel)


@pytest.mark.parametrize("lr", [1e-3, 0.1])
@pytest.mark.parametrize("size", [1e-4, 1.0, 1e4])
def test_a_step_has_the_length_that_was_asked_for(lr, size):
    kernel = torch.randn(4, 3, 3, 3)
    step = stepped(size * torch.randn_like(kernel), kernel, lr) - kernel
    assert float(step.square().mean().sqrt()) == pytest.approx(lr, rel=1e-2)


def test_a_step_goes_downhill():
    source = torch.Generator().manual_seed(4)
    kernel, goal = torch.randn(2, 4, 3, 3, 3, generator=source).unbind(0)
    leaf = kernel.clone().requires_grad_()
    optimizer = Muon([leaf], lr=0.05)
    before = float((kernel - goal).square().sum())
    for _ in range(10):
        optimizer.zero_grad()
        (leaf - goal).square().sum().backward()
        optimizer.step()
    assert float((leaf.detach() - goal).square().sum()) < 0.8 * before

import os

import pytest
import torch

from engine.device import choose_device, leave_one_processor, still_computes, told_device_failures
from engine.errors import DeviceLost, OutOfDeviceMemory


def test_a_named_device_is_given():
    assert choose_device("cpu") == torch.device("cpu")


def test_without_a_name_there_is_always_one():
    assert torch.zeros(1, device=choose_device()).device.type in {"cpu", "cuda", "mps"}


@pytest.mark.parametrize("name", ["toaster", "cuda:99", ""])
def test_a_device_that_is_not_there_is_one_sentence(name):
    with pytest.raises(ValueError, match="this machine has no device") as caught:
        choose_device(name)
    assert "\n" not in str(caught.value)


def test_want_of_memory_becomes_a_sentence():
    with pytest.raises(OutOfDeviceMemory, match="too little free memory"), told_device_failures():
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")


def test_other_failures_pass_as_they_are():
    with pytest.raises(RuntimeError, match="shapes"), told_device_failures():
        raise RuntimeError("shapes do not fit")


def test_a_device_that_fails_for_good_is_lost():
    with pytest.raises(DeviceLost, match="stopped working"), told_device_failures(lambda: False):
        raise torch.AcceleratorError("CUDA error: device-side assert triggered")


def test_a_fault_that_the_device_outlives_is_not_its_loss():
    with pytest.raises(torch.AcceleratorError), told_device_failures(lambda: True):
        raise torch.AcceleratorError("CUDA error: invalid configuration argument")


def test_the_device_of_this_machine_computes():
    assert still_computes()


def test_one_processor_stays_free_however_often_it_is_asked_for():
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(os.cpu_count() or 1)
        leave_one_processor()
        leave_one_processor()
        assert torch.get_num_threads() == max(1, (os.cpu_count() or 2) - 1)
    finally:
        torch.set_num_threads(before)


def test_fewer_threads_stay_fewer():
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        leave_one_processor()
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)

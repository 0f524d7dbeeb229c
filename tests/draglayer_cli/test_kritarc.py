from pathlib import Path

import pytest

from draglayer_cli.kritarc import enable_plugin, read_resource_folder

NAME = "draglayer_krita"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "[python]\nenable_draglayer_krita=true\n"),
        ("a=1\n", "a=1\n\n[python]\nenable_draglayer_krita=true\n"),
        ("a=1", "a=1\n\n[python]\nenable_draglayer_krita=true\n"),
        (
            "[python]\nenable_x=true\n[theme]\nb=2\n",
            "[python]\nenable_draglayer_krita=true\nenable_x=true\n[theme]\nb=2\n",
        ),
        (
            "[python]\nenable_draglayer_krita=false\nenable_x=true\n",
            "[python]\nenable_draglayer_krita=true\nenable_x=true\n",
        ),
    ],
)
def test_one_line_is_added_and_all_others_stay(tmp_path, before, after):
    kritarc = tmp_path / "kritarc"
    kritarc.write_text(before)
    assert enable_plugin(kritarc, NAME)
    assert kritarc.read_text() == after


def test_a_plugin_that_is_enabled_stays_so_and_the_file_untouched(tmp_path):
    kritarc = tmp_path / "kritarc"
    kritarc.write_text("[python]\nenable_x=true\nenable_draglayer_krita=true\n")
    kritarc.chmod(0o400)
    assert not enable_plugin(kritarc, NAME)


def test_a_missing_file_is_made(tmp_path):
    assert enable_plugin(tmp_path / "config" / "kritarc", NAME)
    assert (tmp_path / "config" / "kritarc").is_file()


def test_bytes_of_other_programs_survive(tmp_path):
    kritarc = tmp_path / "kritarc"
    odd = b"name=\xff\x0c\xe2\x80\xa8 caf\xc3\xa9\r\n"
    kritarc.write_bytes(odd)
    enable_plugin(kritarc, NAME)
    assert kritarc.read_bytes().startswith(odd)


def test_a_linked_file_is_changed_where_it_is_and_keeps_its_rights(tmp_path):
    real = tmp_path / "dotfiles-kritarc"
    real.write_text("a=1\n")
    real.chmod(0o640)
    link = tmp_path / "kritarc"
    link.symlink_to(real)
    enable_plugin(link, NAME)
    assert link.is_symlink() and "enable_draglayer_krita=true" in real.read_text()
    assert real.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("text", "folder"),
    [
        ("ResourceDirectory=/art\n", Path("/art")),
        ("ResourceDirectory=\n", None),
        ("[other]\nResourceDirectory=/art\n", None),
        ("", None),
    ],
)
def test_the_resource_folder_is_read_from_the_general_group(tmp_path, text, folder):
    (tmp_path / "kritarc").write_text(text)
    assert read_resource_folder(tmp_path / "kritarc") == folder

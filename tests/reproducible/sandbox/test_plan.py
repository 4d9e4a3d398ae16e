import json
import shlex
from dataclasses import replace

from reproducible.inputs.recipe import Limits
from reproducible.sandbox.levels import Conditions, Interpreter, Places, Programs
from reproducible.sandbox.plan import Plan, command, environment, inside, known

PROGRAMS = Programs(unshare="unshare", setpriv="setpriv", bwrap="bwrap")
DEBIAN = Interpreter("/usr/bin/python3.11", (3, 11), prefix="/usr", full="3.11.2")
OWN = Interpreter(
    "/home/ann/py/bin/python3.9", (3, 9), prefix="/home/ann/py", full="3.9.18"
)
PLACES = Places(
    source="/s", tools="/t", hook="/h", out="/o", tmp="/w/tmp", given="/w/given",
    stage="/w/stage",
)  # fmt: skip
PLAN = Plan(
    level=1,
    places=PLACES,
    conditions=Conditions(epoch=1750000000),
    interpreter=DEBIAN,
    limits=Limits(output_mib=1),
    wall=("python3", "wall.py"),
)


def test_the_command_of_level_1_is_this_one() -> None:
    expected = """
        bwrap --unshare-all --unshare-user --disable-userns --uid 1000 --gid 1000
        --hostname repro --die-with-parent --new-session --cap-drop ALL --clearenv
        --size 1048576 --tmpfs / --ro-bind /s /build/src --ro-bind /usr /usr
        --symlink usr/bin /bin --symlink usr/lib /lib --symlink usr/lib64 /lib64
        --ro-bind /t /build/tool --ro-bind /h /build/hook
        --bind /o/file /build/out/file --bind /o/name /build/out/name
        --size 1048576 --tmpfs /build/tmp --proc /proc
        --remount-ro /proc --dev /dev --chdir /build/src
        --setenv PATH /build/tool/bin:/usr/bin
        --setenv HOME /build/tmp --setenv TMPDIR /build/tmp
        --setenv LC_ALL C.UTF-8 --setenv TZ UTC --setenv PYTHONHASHSEED 0
        --setenv SOURCE_DATE_EPOCH 1750000000
        -- /usr/bin/python3.11 -s -S -B -P /build/hook/hook.py JOB"""

    assert shlex.join(command(PLAN, PROGRAMS, job="JOB")) == " ".join(expected.split())


def test_the_command_of_level_0_is_this_one() -> None:
    expected = """
        setpriv --pdeathsig KILL unshare --user --map-root-user --net --mount --pid
        --fork --ipc --uts --kill-child python3 wall.py"""
    made = command(replace(PLAN, level=0), PROGRAMS, job="JOB")

    assert shlex.join(made[:-1]) == " ".join(expected.split())


def test_the_wall_is_told_its_mounts() -> None:
    told = json.loads(command(replace(PLAN, level=0), PROGRAMS, job="JOB")[-1])

    assert told == {
        "stage": "/w/stage",
        "hostname": "repro",
        "mounts": [
            ["bind", "/s", "/s", False],
            ["bind", "/usr", "/usr", False],
            ["link", "/bin", "usr/bin"],
            ["link", "/lib", "usr/lib"],
            ["link", "/lib64", "usr/lib64"],
            ["bind", "/t", "/t", False],
            ["bind", "/h", "/h", False],
            ["bind", "/o/file", "/o/file", True],
            ["bind", "/o/name", "/o/name", True],
            ["memory", "/w/tmp", 1],
        ],
        "cwd": "/s",
        "environment": environment(replace(PLAN, level=0)),
        "run": [DEBIAN.path, "-s", "-S", "-B", "-P", "/h/hook.py", "JOB"],
    }


def test_level_2_has_the_usr_and_etc_of_its_root() -> None:
    made = shlex.join(command(replace(PLAN, level=2, root="/r"), PROGRAMS, job="JOB"))

    assert "--ro-bind /r/usr /usr" in made
    assert "--ro-bind /r/etc /etc" in made
    assert "--ro-bind /usr" not in made


def test_an_interpreter_in_a_home_is_seen_there_and_nothing_else_of_the_home() -> None:
    plan = replace(PLAN, interpreter=OWN)

    assert "--ro-bind /home/ann/py /home/ann/py" in shlex.join(
        command(plan, PROGRAMS, job="JOB")
    )
    assert known(plan, "/home/ann") == {"py"}


def test_an_interpreter_before_3_11_is_not_given_what_it_does_not_know() -> None:
    made = command(replace(PLAN, interpreter=OWN), PROGRAMS, job="JOB")

    assert made[-6:-2] == ("/home/ann/py/bin/python3.9", "-s", "-S", "-B")


def test_level_2_does_not_see_interpreters_of_the_host() -> None:
    plan = replace(PLAN, level=2, root="/r", interpreter=OWN)

    assert known(plan, "/home/ann") == frozenset()


def test_a_backend_that_writes_to_its_source_gets_a_copy_in_memory() -> None:
    made = shlex.join(command(replace(PLAN, writable=True), PROGRAMS, job="JOB"))

    assert "--ro-bind /s /build/given --size 1048576 --tmpfs /build/src" in made


def test_what_is_visible_besides_is_read_only_at_its_own_path() -> None:
    plan = replace(PLAN, visible=("/opt/tool", "/usr/share"))
    made = shlex.join(command(plan, PROGRAMS, job="JOB"))

    assert "--ro-bind /opt/tool /opt/tool" in made
    assert "/usr/share" not in made


def test_a_path_from_a_recipe_covers_nothing_that_makes_the_wall() -> None:
    plan = replace(PLAN, conditions=Conditions(path="/build/hook"))
    made = command(plan, PROGRAMS, job="JOB")

    assert made.index("/s") < made.index("/usr") < made.index("/h")


def test_a_path_from_a_recipe_is_where_the_source_stands() -> None:
    assert inside(replace(PLAN, conditions=Conditions(path="/a b"))).source == "/a b"


def test_a_wrapper_starts_the_interpreter() -> None:
    plan = replace(PLAN, conditions=Conditions(wrapper=("setarch", "i686")))
    made = command(plan, PROGRAMS, job="JOB")

    assert made[made.index("--") + 1 :][:3] == ("setarch", "i686", DEBIAN.path)


def test_variables_are_those_of_the_conditions_and_no_others() -> None:
    conditions = Conditions(
        tz="Asia/Kiritimati",
        locale="C",
        hashseed="random",
        home="/h",
        extra=(("USER", "u"),),
    )

    assert environment(replace(PLAN, conditions=conditions)) == {
        "PATH": "/build/tool/bin:/usr/bin",
        "HOME": "/h",
        "TMPDIR": "/build/tmp",
        "LC_ALL": "C",
        "TZ": "Asia/Kiritimati",
        "PYTHONHASHSEED": "random",
        "USER": "u",
    }

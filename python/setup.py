# SPDX-License-Identifier: MIT
"""One wheel for every Python and both C libraries: the library inside loads everywhere and needs no
header of Python. MEMTEND_LIBRARY names it; otherwise it is that of ../build/release."""
import os
import platform
import re
import shutil

from setuptools import Distribution, setup
from setuptools.command.build_py import build_py

try:
    from setuptools.command.bdist_wheel import bdist_wheel
except ImportError:  # setuptools before 70.1
    from wheel.bdist_wheel import bdist_wheel

HERE = os.path.dirname(os.path.abspath(__file__))
LIBRARY = os.environ.get("MEMTEND_LIBRARY") or os.path.join(
    HERE, "..", "build", "release", "lib", "libmemtend-agent.so")


def read(*path):
    with open(os.path.join(HERE, *path)) as file:
        return file.read()


class BuildWithLibrary(build_py):
    """Adds the library to the package, and memtend.pth beside it."""

    def _added(self):
        package = os.path.join(self.build_lib, "memtend")
        return [(LIBRARY, os.path.join(package, "libmemtend-agent.so")),
                (os.path.join(HERE, "memtend.pth"), os.path.join(self.build_lib, "memtend.pth"))]

    def run(self):
        if not os.path.exists(LIBRARY):
            raise SystemExit("%s is not there: run ./dev build first, or set MEMTEND_LIBRARY" %
                             os.path.normpath(LIBRARY))
        build_py.run(self)
        for source, target in self._added():
            shutil.copyfile(source, target)

    def get_outputs(self, include_bytecode=1):
        return (build_py.get_outputs(self, include_bytecode) +
                [target for _, target in self._added()])


class BinaryDistribution(Distribution):
    def has_ext_modules(self):
        return True


class AnyPythonWheel(bdist_wheel):
    """glibc from 2.17 and musl from 1.1, any Python: tests/arch checks what the library imports."""

    def get_tag(self):
        machine = platform.machine()
        return "py2.py3", "none", "manylinux2014_%s.musllinux_1_1_%s" % (machine, machine)


setup(
    name="memtend",
    version=re.search(r'__version__ = "(.+)"', read("memtend", "__init__.py")).group(1),
    description="The in-process agent of memtend: names, regions, cache hooks, collect and trim",
    long_description=read("README.md"),
    long_description_content_type="text/markdown",
    license="MIT",
    python_requires=">=2.7, !=3.0.*, !=3.1.*, !=3.2.*, !=3.3.*, !=3.4.*, !=3.5.*",
    packages=["memtend"],
    distclass=BinaryDistribution,
    cmdclass={"build_py": BuildWithLibrary, "bdist_wheel": AnyPythonWheel},
)

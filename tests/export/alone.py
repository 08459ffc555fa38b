"""What is done with model.py where nothing but PyTorch is: run by itself, with a job as JSON.

For each folder: logits with the weights beside it, the checksum of fresh weights, and logits in
training with dropped paths.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any


def load(folder: Path) -> Any:
    spec = importlib.util.spec_from_file_location(folder.name, folder / "model.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def checksum(network: Any) -> str:
    digest = hashlib.sha256()
    for name, tensor in network.state_dict().items():
        digest.update(name.encode() + str(tuple(tensor.shape)).encode() + tensor.numpy().tobytes())
    return digest.hexdigest()


def main() -> None:
    job = json.loads(sys.argv[1])
    sys.path.append(job["site_packages"])
    sys.modules["timm"] = None  # type: ignore[assignment]  # as where it is not installed
    import torch

    assert importlib.util.find_spec("dse") is None, "dse can be imported"
    torch.set_num_threads(job["threads"])
    images = torch.load(job["images"], weights_only=True)
    for name in job["folders"]:
        folder = Path(name)
        module = load(folder)
        torch.manual_seed(3)
        fresh = module.Network()
        found: dict[str, Any] = {"fresh": checksum(fresh)}
        fresh.load_state_dict(torch.load(folder / "weights.pt", weights_only=True))
        with torch.no_grad():
            found["logits"] = fresh.eval()(images)
            if job["drop"] in name:
                dropping = module.Network(drop_path_rate=0.5)
                dropping.load_state_dict(fresh.state_dict())
                torch.manual_seed(4)
                found["dropped"] = dropping.train()(images)
        torch.save(found, folder / "found.pt")


if __name__ == "__main__":
    main()

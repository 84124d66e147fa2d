"""PointNet++ and PointConv: sampling and grouping against their definitions, and what the networks do not depend on."""

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal

from andor.config import Masking
from andor.data.readers import reader
from andor.data.table import arrays
from andor.models.accuracy import quality
from andor.models.families import families
from andor.models.loading import load
from andor.models.points import PointConv, PointNet2, density, farthest, nearest
from andor.outputs.masking import locate
from andor.outputs.passes import evaluated

torch.manual_seed(0)
CLOUDS = torch.randn(2, 40, 3)
NETWORKS = {"pointnet2": PointNet2, "pointconv": PointConv}


def test_samples_the_farthest_points():
    for cloud, chosen in zip(CLOUDS, farthest(CLOUDS, 6).tolist(), strict=True):
        assert chosen[0] == int((cloud - cloud.mean(0)).norm(dim=1).argmax())
        for place in range(1, 6):
            apart = torch.cdist(cloud, cloud[chosen[:place]]).amin(1)
            assert apart[chosen[place]] == pytest.approx(float(apart.max()))


def test_finds_the_nearest_in_a_ball_and_the_nearest_of_all_beyond_it():
    centres = CLOUDS[:, :3]
    for radius in (0.7, torch.inf):
        found = nearest(CLOUDS, centres, 5, radius)
        for cloud, own, numbers in zip(CLOUDS, centres, found, strict=True):
            for centre, row in zip(own, numbers.tolist(), strict=True):
                apart = (cloud - centre).norm(dim=1)
                ball = [n for n in apart.argsort().tolist()[:5] if apart[n] <= radius]
                assert set(row) == set(ball) and len(row) == 5
    assert nearest(CLOUDS, centres, 99).shape == (2, 3, 40)


def test_density_is_that_of_a_gaussian_kernel():
    cloud = CLOUDS[0].numpy().astype(float)
    kernels = [multivariate_normal(point, 0.5**2 * np.eye(3)) for point in cloud]
    expected = np.mean([kernel.pdf(cloud) for kernel in kernels], axis=0)
    found = density(CLOUDS, 0.5)[0, :, 0].numpy()
    np.testing.assert_allclose(found / found.sum(), expected / expected.sum(), rtol=1e-4)


@pytest.mark.parametrize("name", NETWORKS)
@torch.no_grad()
def test_neither_order_nor_company_changes_an_output(name):
    """Points in another order, and other clouds in the batch; some points in one place, as masked ones are."""
    network = NETWORKS[name](2).eval()
    clouds = CLOUDS.clone()
    clouds[:, :15] = 0
    whole = network(clouds)
    assert whole.shape == (2, 2) and (whole[0] - whole[1]).abs().max() > 1e-6
    torch.testing.assert_close(network(clouds[:, torch.randperm(40)]), whole)
    torch.testing.assert_close(network(clouds[:1]), whole[:1])
    assert network(torch.randn(1, 3, 3)).shape == (1, 2)  # fewer points than centres are published


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_is_trained_kept_and_masked(name, tmp_path):
    data = reader({"reader": "shapes", "count": 16, "points": 24}).read(None, 0)
    family = families()[name](family=name, training={"epochs": 1, "batch_size": 6, "optimizer": "sgd"})
    family.make(data, None, None, tmp_path, 0, progress=False)
    model = load(tmp_path)
    again = family.train(data, None, 0, progress=False)
    assert model.digest == again.digest and quality(model, data, "test")["items"] == 4
    sample = {"points": arrays(data)[0], "players": [[0, 1, 2], [5, 6], [9]]}
    outputs = evaluated(locate(model, sample, Masking(baseline="centre")).bind(model)).outputs
    assert outputs.shape == (8, 1) and np.isfinite(outputs).all() and np.ptp(outputs) > 0

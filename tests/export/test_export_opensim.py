"""TRC and MOT read by OpenSim itself, where it is installed (pip install opensim, an environment of its own)."""

from __future__ import annotations

import numpy as np
import pytest
from stiff import dance, joints
from stiff import result as stiff_result

from tests.export.ground import grounded
from videopose3d.export import export_result
from videopose3d.export.mot import coordinates
from videopose3d.export.upright import markers, upright
from videopose3d.skeleton import H36M17

opensim = pytest.importorskip("opensim", reason="no opensim")
opensim.Logger.removeFileSink()  # it would write a log into the current folder
NOBODY, UNPLACED = 2, 4  # frames of the first person, see make_result


def test_markers_in_opensim(make_result, tmp_path):
    result = grounded(make_result())
    export_result(result, tmp_path / "out.trc")
    table = opensim.TimeSeriesTableVec3(str(tmp_path / "out.trc"))
    assert list(table.getColumnLabels()) == markers(H36M17.joints, 2)
    assert table.getTableMetaDataString("Units") == "mm"
    assert float(table.getTableMetaDataString("DataRate")) == pytest.approx(30000 / 1001)
    times = [float(time) for time in table.getIndependentColumn()]
    np.testing.assert_allclose(times, np.arange(6) * 1001 / 30000, atol=1e-6)
    found = np.array(
        [
            [[cell[axis] for axis in range(3)] for cell in map(table.getRowAtIndex(t).__getitem__, range(34))]
            for t in range(6)
        ]
    )
    expected = np.moveaxis(upright(result), 0, 1).reshape(6, 34, 3) * 1000
    np.testing.assert_allclose(found, expected, atol=0.006)
    assert np.isnan(found[[NOBODY, UNPLACED], :17]).all()
    data = opensim.MarkerData(str(tmp_path / "out.trc"))
    assert (data.getNumFrames(), data.getNumMarkers(), data.getUnits().getLabel()) == (6, 34, "millimeters")


def test_coordinates_in_opensim(tmp_path):
    result = grounded(stiff_result(joints(dance(12))))
    export_result(result, tmp_path / "out.mot")
    table = opensim.TimeSeriesTable(str(tmp_path / "out.mot"))
    expected = coordinates(result)
    assert list(table.getColumnLabels()) == list(expected)
    assert table.getTableMetaDataString("inDegrees") == "yes"
    found = np.array([[table.getRowAtIndex(t)[n] for n in range(len(expected))] for t in range(12)])
    np.testing.assert_allclose(found.T, [value[0] for value in expected.values()], atol=6e-6)
    storage = opensim.Storage(str(tmp_path / "out.mot"))
    assert storage.isInDegrees()
    assert storage.getSize() == 12

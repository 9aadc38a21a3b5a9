"""What a session keeps."""

from plpy.session import Model, Session, current_session
from tests.unit.plpy.fake import FakePlpy
from tests.unit.plpy.packs import pack


def test_plans_are_prepared_once_a_session():
    plpy = FakePlpy(posts=[])
    session = Session(plpy)
    session.run("posts", [1])
    session.run("posts", [2])
    assert plpy.prepared == ["posts"]


def test_a_damaged_model_is_warned_of_once_and_not_used():
    blob = b"CBM1 damaged"
    row = {"is_intact": True, "trees": None, "sha256": "", "feature_names": [], "encoders": "{}"}
    plpy = FakePlpy(model=[row], artifact=[{"artifact": blob, "is_intact": True}])
    session = Session(plpy)
    assert session.model(7) is None and session.model(7) is None
    assert len(plpy.warnings) == 1 and "model 7" in plpy.warnings[0]


def test_the_least_recently_used_pack_goes_first():
    row = {
        "feature_names": ["post.view_count", "post.like_count"], "topics": [], "post_ids": b"", "topic_codes": b"",
        "matrix": b"",
    }
    session = Session(FakePlpy(**{"stored pack": [row]}))
    for version in ["a", "b", "c", "d", "a", "e"]:
        session.pack({"pack_version": version, "pack_id": 1, "features_as_of": None})
    assert list(session.packs) == ["c", "d", "a", "e"]


def test_features_that_the_pack_lacks_are_named():
    plpy = FakePlpy()
    model = Model(1, None, ["post.topic", "post.like_rate", "text.gone", "user.age"], {})
    posts, session = pack(**{"post.like_rate": [1, 2, 3]}), Session(plpy)
    assert not session.can_use(model, posts) and not session.can_use(model, posts)
    assert len(plpy.warnings) == 1
    assert "text.gone" in plpy.warnings[0] and "like_rate" not in plpy.warnings[0]


def test_there_is_one_session():
    plpy = FakePlpy()
    assert current_session(plpy) is current_session(plpy)

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError
from botocore.session import Session
from hypothesis import given
from hypothesis import strategies as st
from prefect.testing.utilities import prefect_test_harness

from flows.config import NightlyConfig
from flows.nightly import nightly
from flows.summary import RunSummary
from infra.demo.archive import CASES
from infra.demo.s3 import EmbeddedS3, embedded_s3, upload
from tests.infra.iam import Asked, allowed, asked_by
from tests.s3_proxy import Act, Answer, Forward, Request, S3Proxy, s3_proxy

POLICIES = Path(__file__).parents[2] / "infra" / "policies"
SOURCE, LAKE = "arn:aws:s3:::hospital", "arn:aws:s3:::research"


def policy(name: str) -> dict[str, Any]:
    return dict(json.loads((POLICIES / f"{name}.json").read_text(encoding="utf-8")))


NIGHT = [policy("source-read"), policy("lake-write")]


@dataclass
class Site:
    """A server that lets a user do what the policies of a night allow, and a night that it ran."""

    s3: EmbeddedS3
    proxy: S3Proxy
    keys: dict[str, str]
    ended: RunSummary

    def client(self) -> Any:
        """As the user of a night."""
        keys = {name.lower(): value for name, value in self.keys.items()}
        return Session().create_client(
            "s3", endpoint_url=self.s3.endpoint_url, region_name="us-east-1", **keys
        )


def as_signed(upstream: str) -> Act:
    """Ask the real server by the name that the client has signed, its proxy's."""

    def ask(request: Request, forward: Forward) -> Answer:
        connection = HTTPConnection(urlsplit(upstream).netloc, timeout=60)
        left_out = {"connection", "expect", "transfer-encoding"}
        headers = {k: v for k, v in request.headers.items() if k.lower() not in left_out}
        connection.request(request.method, request.raw_target, request.body, headers)
        response = connection.getresponse()
        kept = {k: v for k, v in response.getheaders() if k.lower() not in {"connection", "date"}}
        answer = Answer(response.status, kept, response.read())
        connection.close()
        return answer

    return ask


def user_of_a_night(s3: EmbeddedS3) -> dict[str, str]:
    """Make a user with both policies, and have the server look at every request from now on."""
    iam = Session().create_client(
        "iam",
        endpoint_url=s3.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id="root",
        aws_secret_access_key="root",  # noqa: S106
    )
    iam.create_user(UserName="night")
    for name in ("source-read", "lake-write"):
        told = json.dumps(policy(name))
        iam.put_user_policy(UserName="night", PolicyName=name, PolicyDocument=told)
    key = iam.create_access_key(UserName="night")["AccessKey"]
    look = urllib.request.Request(  # noqa: S310
        f"{s3.endpoint_url}/moto-api/reset-auth", b"0", {"Content-Type": "text/plain"}
    )
    urllib.request.urlopen(look).close()  # noqa: S310
    return {
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
    }


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    ward = tmp_path_factory.mktemp("ward")
    for case in CASES:
        if case.patient.subject_id == "10000107":
            case.write(ward, case, 40.0)
    with (
        embedded_s3() as s3,
        s3_proxy(s3.endpoint_url) as proxy,
        pytest.MonkeyPatch.context() as env,
    ):
        s3.create_bucket("research")
        upload(ward, s3.url("waveforms"), **s3.storage_options)
        keys = user_of_a_night(s3)
        for name, value in (s3.environment | keys).items():
            env.setenv(name, value)
        env.setenv("AWS_ENDPOINT_URL", proxy.endpoint_url)
        proxy.on(".*", "", as_signed(s3.endpoint_url))
        config = NightlyConfig(
            source="s3://hospital/waveforms",
            lake="s3://research/pulselake",
            workers=0,
            restorer="classical",
        )
        with prefect_test_harness(server_startup_timeout=120):
            ended = nightly(config)
        yield Site(s3, proxy, keys, ended)


def refused(action: Any, **arguments: Any) -> bool:
    try:
        action(**arguments)
    except ClientError as error:
        return bool(error.response["ResponseMetadata"]["HTTPStatusCode"] == 403)
    return False


def test_a_night_ends_well_with_the_two_policies_and_no_more(site: Site) -> None:
    assert site.ended.records_ingested == 1
    assert site.ended.inputs_quarantined == 0
    assert site.ended.backfilled


def test_everything_that_a_night_asks_for_is_allowed_on_its_prefix(site: Site) -> None:
    """But for one: whether the bucket is there, which is then answered by its location."""
    asked = [asked_by(method, target) for method, target, _, _ in site.proxy.log]

    assert {one.action for one in asked} > {"s3:ListBucket", "s3:GetObject", "s3:PutObject"}
    assert {(one.action, one.resource) for one in asked if not allowed(one, NIGHT)} <= {
        ("s3:ListBucket", LAKE)
    }
    assert {one.resource for one in asked if one.context.get("s3:prefix") == ""} == set()


def test_a_night_can_change_nothing_in_the_archive(site: Site) -> None:
    client = site.client()
    place = {"Bucket": "hospital", "Key": "waveforms/new"}

    assert refused(client.put_object, **place, Body=b"")
    assert refused(client.delete_object, **place)
    assert refused(client.delete_bucket, Bucket="hospital")


def test_a_night_can_touch_nothing_beside_its_lake(site: Site) -> None:
    client = site.client()

    assert refused(client.put_object, Bucket="research", Key="theses/one", Body=b"")
    assert refused(client.get_object, Bucket="research", Key="theses/one")
    assert refused(client.delete_bucket, Bucket="research")
    assert refused(client.create_bucket, Bucket="another")
    assert refused(client.put_bucket_policy, Bucket="research", Policy="{}")


@pytest.mark.parametrize(
    ("action", "resource", "prefix"),
    [
        ("s3:ListBucket", SOURCE, ""),
        ("s3:ListBucket", SOURCE, "letters/"),
        ("s3:ListBucket", SOURCE, "waveforms-of-another-ward/"),
        ("s3:ListBucket", LAKE, ""),
        ("s3:ListBucket", LAKE, "pulselake-of-another-study/"),
        ("s3:PutObject", f"{SOURCE}/waveforms/p100/a.hea", ""),
        ("s3:GetObject", f"{SOURCE}/letters/one.pdf", ""),
        ("s3:PutBucketPolicy", LAKE, ""),
        ("s3:PutObjectAcl", f"{LAKE}/pulselake/windows/a.parquet", ""),
    ],
)
def test_what_a_night_has_no_business_with_is_denied(
    action: str, resource: str, prefix: str
) -> None:
    assert not allowed(Asked(action, resource, {"s3:prefix": prefix}), NIGHT)


@given(key=st.text(max_size=30), verb=st.sampled_from(["Put", "Delete"]))
def test_a_night_writes_nowhere_but_below_its_lake(key: str, verb: str) -> None:
    for bucket in (SOURCE, LAKE):
        asked = Asked(f"s3:{verb}Object", f"{bucket}/{key}")

        assert allowed(asked, NIGHT) == (bucket == LAKE and key.startswith("pulselake/"))


def test_a_night_reads_a_model_of_the_sites_own_and_writes_none() -> None:
    model = f"{LAKE}/models/ours.safetensors"
    with_model = [*NIGHT, policy("model-read")]

    assert not allowed(Asked("s3:GetObject", model), NIGHT)
    assert allowed(Asked("s3:GetObject", model), with_model)
    assert not any(allowed(Asked(f"s3:{v}Object", model), with_model) for v in ("Put", "Delete"))
    assert not allowed(Asked("s3:GetObject", f"{LAKE}/theses/one"), with_model)


def test_a_researcher_reads_the_lake_and_writes_nothing() -> None:
    reads = [policy("lake-read")]
    file = f"{LAKE}/pulselake/windows/a.parquet"

    assert allowed(Asked("s3:GetObject", file), reads)
    assert allowed(Asked("s3:ListBucket", LAKE, {"s3:prefix": "pulselake/windows/"}), reads)
    assert not any(allowed(Asked(f"s3:{verb}Object", file), reads) for verb in ("Put", "Delete"))


@pytest.mark.parametrize(("secure", "goes_through"), [("true", True), ("false", False)])
def test_nothing_goes_in_the_clear(secure: str, goes_through: bool) -> None:
    asked = Asked(
        "s3:GetObject", f"{LAKE}/pulselake/windows/a.parquet", {"aws:SecureTransport": secure}
    )

    assert allowed(asked, [*NIGHT, policy("tls-only")]) == goes_through


def test_a_server_takes_the_encryption_and_the_policy_of_the_bucket() -> None:
    with embedded_s3("research") as s3:
        client = Session().create_client(
            "s3",
            endpoint_url=s3.endpoint_url,
            region_name="us-east-1",
            aws_access_key_id="root",
            aws_secret_access_key="root",  # noqa: S106
        )

        client.put_bucket_encryption(
            Bucket="research", ServerSideEncryptionConfiguration=policy("encryption")
        )
        client.put_bucket_policy(Bucket="research", Policy=json.dumps(policy("tls-only")))

        (rule,) = client.get_bucket_encryption(Bucket="research")[
            "ServerSideEncryptionConfiguration"
        ]["Rules"]
        assert rule == policy("encryption")["Rules"][0]


def test_a_policy_that_says_what_is_not_understood_is_refused() -> None:
    odd = {"Statement": [{"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}]}

    with pytest.raises(ValueError, match="NotAction"):
        allowed(Asked("s3:GetObject", SOURCE), [odd])

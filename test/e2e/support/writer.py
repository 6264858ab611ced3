"""Write load for the e2e tests: two clients insert single rows and log each one that PostgreSQL acknowledged.

`held` keeps its connection as long as it lives; `reconnecting` opens one for each row. It talks to libpq through psycopg's pq layer and does its own waiting, since
every step must end within TIMEOUT: psycopg's connect waits two seconds at least, and cancelling a statement on a dead host takes five more.

Lines in LOG (also read by gaps.ts):  ack CLIENT ID SECONDS  |  err CLIENT ID SECONDS REASON
"""
import os
import select
import threading
import time

from psycopg import pq

TIMEOUT = 1.0
CREDENTIALS = os.environ["WRITER_CREDENTIALS"]
TABLE = os.environ["WRITER_TABLE"]
LOG = open(os.environ["WRITER_LOG"], "a", buffering=1)
INTERVALS = {"held": 0.1, "reconnecting": 0.2}


class Failed(Exception):
    pass


def credential(*names):
    for name in names:
        try:
            with open(os.path.join(CREDENTIALS, name)) as file:
                return file.read().strip()
        except FileNotFoundError:
            continue
    raise SystemExit(f"none of {names} in {CREDENTIALS}: {sorted(os.listdir(CREDENTIALS))}")


def hosts():
    """The hosts of the URI under this key of the Secret, or the one address of the Service."""
    key = os.environ.get("WRITER_URI")
    if not key:
        return [credential("host")]
    options = {option.keyword: option.val for option in pq.Conninfo.parse(credential(key).encode())}
    return options[b"host"].decode().split(",")


def conninfo(host):
    settings = {
        "host": host,
        "port": os.environ.get("WRITER_PORT") or credential("port"),
        "user": credential("user", "username"),
        "password": credential("password"),
        "dbname": credential("dbname", "database"),
        "sslmode": os.environ.get("WRITER_SSLMODE", "verify-full"),
        "sslrootcert": os.path.join(CREDENTIALS, "ca.crt"),
        "connect_timeout": "2",
        "tcp_user_timeout": "1000",
        "application_name": "e2e-writer",
    }
    if os.environ.get("WRITER_HOSTADDR"):
        settings["hostaddr"] = os.environ["WRITER_HOSTADDR"]
    quote = lambda value: "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return " ".join(f"{key}={quote(value)}" for key, value in settings.items()).encode()


def wait(conn, deadline, read=True, write=False):
    left = deadline - time.monotonic()
    if left <= 0:
        raise Failed("timeout")
    readable, writable, _ = select.select([conn.socket] if read else [], [conn.socket] if write else [], [], left)
    if not readable and not writable:
        raise Failed("timeout")


def message(conn):
    return " ".join(conn.error_message.decode(errors="replace").split()) or "failed"


def connect():
    """To the first of the hosts that lets us in, in their order, as libpq does it; each has TIMEOUT."""
    for host in HOSTS[:-1]:
        try:
            return connect_to(host)
        except Failed:
            pass
    return connect_to(HOSTS[-1])


def connect_to(host):
    deadline = time.monotonic() + TIMEOUT
    conn = pq.PGconn.connect_start(conninfo(host))
    try:
        while True:
            if conn.status == pq.ConnStatus.BAD:
                raise Failed(message(conn))
            state = conn.connect_poll()
            if state == pq.PollingStatus.OK:
                break
            if state == pq.PollingStatus.FAILED:
                raise Failed(message(conn))
            wait(conn, deadline, read=state == pq.PollingStatus.READING, write=state == pq.PollingStatus.WRITING)
        conn.nonblocking = 1
        return conn
    except BaseException:
        conn.finish()
        raise


def execute(conn, sql, params=None):
    deadline = time.monotonic() + TIMEOUT
    conn.send_query_params(sql, params)
    while conn.flush():
        wait(conn, deadline, read=True, write=True)
        conn.consume_input()
    last = None
    while True:
        while conn.is_busy():
            wait(conn, deadline)
            conn.consume_input()
        result = conn.get_result()
        if result is None:
            break
        last = result
    if last is None or last.status not in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK):
        raise Failed(message(conn))


def insert(conn, client, number):
    execute(conn, f"INSERT INTO {TABLE} (client, id) VALUES ($1, $2)".encode(), [client.encode(), str(number).encode()])


def write(client):
    number = 0
    conn = None
    due = time.monotonic()
    while True:
        due = max(due + INTERVALS[client], time.monotonic())
        time.sleep(max(0.0, due - time.monotonic()))
        number += 1
        try:
            if conn is None:
                conn = connect()
            insert(conn, client, number)
            LOG.write(f"ack {client} {number} {time.time():.3f}\n")
        except Exception as error:  # whatever it was, it is not an acknowledgement, and the client goes on
            LOG.write(f"err {client} {number} {time.time():.3f} {' '.join(str(error).split())[:200]}\n")
            if conn is not None:
                conn.finish()
                conn = None
        if client == "reconnecting" and conn is not None:
            conn.finish()
            conn = None


def prepare():
    create = f"CREATE TABLE IF NOT EXISTS {TABLE} (client text, id bigint, at timestamptz DEFAULT clock_timestamp(), PRIMARY KEY (client, id))"
    while True:
        try:
            conn = connect()
            try:
                execute(conn, create.encode())
                return
            finally:
                conn.finish()
        except Exception as error:
            print(f"not yet: {error}", flush=True)
            time.sleep(0.5)


HOSTS = hosts()
prepare()
print("writing", flush=True)
for name in INTERVALS:
    threading.Thread(target=write, args=(name,), daemon=True).start()
threading.Event().wait()

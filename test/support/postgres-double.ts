/**
 * A PostgreSQL server in this process, as far as a client needs one that sends a handful of statements: it speaks the wire protocol (version 3, clear-text
 * password, simple and extended queries with text results) and answers each statement by a function. No TLS.
 */
import { createServer, type Socket } from 'node:net';

/** Rows by column name, or a refusal. `null` columns are NULL; booleans travel as PostgreSQL writes them. */
export type SqlAnswer =
  readonly Readonly<Record<string, string | boolean | null>>[] | { readonly sqlState: string; readonly message: string };

export interface PostgresDoubleOptions {
  /** Password of every user. */
  readonly password: string;
  /** `undefined` never answers. */
  readonly answer: (statement: string, values: readonly string[]) => SqlAnswer | undefined;
}

export interface PostgresDouble {
  readonly port: number;
  /** Statements with their values, in order. */
  readonly statements: readonly string[];
  /** Startup parameters of the latest connection. */
  startup(): Readonly<Record<string, string>>;
  readonly stop: () => Promise<void>;
}

export async function startPostgresDouble(options: PostgresDoubleOptions): Promise<PostgresDouble> {
  const statements: string[] = [];
  const sockets = new Set<Socket>();
  let startup: Record<string, string> = {};
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    serve(socket, options, { onStartup: (given) => (startup = given), onStatement: (text) => statements.push(text) });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: address !== null && typeof address === 'object' ? address.port : 0,
    statements,
    startup: () => startup,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

interface Observer {
  readonly onStartup: (parameters: Record<string, string>) => void;
  readonly onStatement: (text: string) => void;
}

function serve(socket: Socket, { password, answer }: PostgresDoubleOptions, { onStartup, onStatement }: Observer): void {
  let buffer = Buffer.alloc(0);
  let hasStarted = false;
  let prepared = '';
  let values: string[] = [];
  let isFailed = false;
  let isSilent = false;

  const run = (text: string): void => {
    onStatement([text, ...values].join(' | '));
    const reply = answer(text, values);
    if (reply === undefined) {
      isSilent = true;
      return;
    }
    if ('sqlState' in reply) {
      isFailed = true;
      socket.write(errorResponse(reply.sqlState, reply.message));
      return;
    }
    const columns = Object.keys(reply[0] ?? {});
    if (columns.length > 0) socket.write(rowDescription(columns, reply[0] ?? {}));
    for (const row of reply) socket.write(dataRow(columns.map((name) => row[name] ?? null)));
    socket.write(message('C', cstring('SELECT')));
  };

  const onMessage = (type: string, body: Buffer): void => {
    if (isSilent && type !== 'X') return;
    switch (type) {
      case 'p':
        if (textOf(body) !== password) {
          socket.end(errorResponse('28P01', 'password authentication failed'));
          return;
        }
        socket.write(Buffer.concat([message('R', int32(0)), readyForQuery()]));
        return;
      case 'Q':
        values = [];
        run(textOf(body));
        if (!isSilent) socket.write(readyForQuery());
        return;
      case 'P':
        isFailed = false;
        prepared = textOf(body.subarray(body.indexOf(0) + 1));
        socket.write(message('1', Buffer.alloc(0)));
        return;
      case 'B':
        values = boundValues(body);
        socket.write(message('2', Buffer.alloc(0)));
        return;
      case 'E':
        if (!isFailed) run(prepared);
        return;
      case 'S':
        socket.write(readyForQuery());
        return;
      case 'X':
        socket.end();
        return;
      default:
        return;
    }
  };

  socket.on('data', (chunk: Buffer) => {
    buffer = Buffer.concat([buffer, chunk]);
    for (;;) {
      const head = hasStarted ? 1 : 0;
      if (buffer.length < head + 4 || buffer.length < head + buffer.readInt32BE(head)) return;
      const length = buffer.readInt32BE(head);
      const body = buffer.subarray(head + 4, head + length);
      const type = hasStarted ? String.fromCharCode(buffer[0] ?? 0) : '';
      buffer = buffer.subarray(head + length);
      if (hasStarted) onMessage(type, body);
      else if (body.readInt32BE(0) === 80_877_103) socket.write('N');
      else {
        hasStarted = true;
        const words = body.subarray(4).toString('utf8').split('\0');
        onStartup(
          Object.fromEntries(Array.from({ length: Math.floor(words.length / 2) }, (_, i) => [words[2 * i] ?? '', words[2 * i + 1] ?? ''])),
        );
        socket.write(message('R', int32(3)));
      }
    }
  });
}

function message(type: string, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body]);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

function cstring(text: string): Buffer {
  return Buffer.from(`${text}\0`, 'utf8');
}

/** Text up to the first zero byte. */
function textOf(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.subarray(0, end === -1 ? bytes.length : end).toString('utf8');
}

function readyForQuery(): Buffer {
  return message('Z', Buffer.from('I'));
}

function errorResponse(sqlState: string, text: string): Buffer {
  return message('E', Buffer.concat([cstring('SERROR'), cstring(`C${sqlState}`), cstring(`M${text}`), Buffer.from([0])]));
}

const OID = { bool: 16, text: 25 } as const;

function rowDescription(columns: readonly string[], sample: Readonly<Record<string, unknown>>): Buffer {
  const fields = columns.map((name) =>
    Buffer.concat([
      cstring(name),
      int32(0),
      int16(0),
      int32(typeof sample[name] === 'boolean' ? OID.bool : OID.text),
      int16(-1),
      int32(-1),
      int16(0),
    ]),
  );
  return message('T', Buffer.concat([int16(columns.length), ...fields]));
}

function dataRow(row: readonly (string | boolean | null)[]): Buffer {
  const cells = row.map((value) => {
    if (value === null) return int32(-1);
    const bytes = Buffer.from(typeof value === 'boolean' ? (value ? 't' : 'f') : value, 'utf8');
    return Buffer.concat([int32(bytes.length), bytes]);
  });
  return message('D', Buffer.concat([int16(row.length), ...cells]));
}

/** Parameters of a Bind message, all as text. */
function boundValues(body: Buffer): string[] {
  let at = body.indexOf(0) + 1;
  at = body.indexOf(0, at) + 1;
  at += 2 + 2 * body.readInt16BE(at);
  const count = body.readInt16BE(at);
  at += 2;
  const values: string[] = [];
  for (let i = 0; i < count; i++) {
    const length = body.readInt32BE(at);
    at += 4;
    values.push(body.subarray(at, at + Math.max(length, 0)).toString('utf8'));
    at += Math.max(length, 0);
  }
  return values;
}

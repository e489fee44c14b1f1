import type { Socket } from 'node:net';
import { O5Logon } from './o5-logon.ts';
import type { OraclePeer } from './oracle-peer.ts';
import { type OracleAnswer, OracleError, OracleSqlSession } from './oracle-session.ts';
import { boundValue, bytesOf, TYPE } from './oracle-type.ts';
import { Incomplete, TtcReader, TtcWriter } from './ttc-bytes.ts';

const PACKET = { connect: 1, accept: 2, refuse: 4, data: 6, marker: 12 } as const;
const MARKER = { reset: 2 } as const;
const MESSAGE = {
  protocol: 1,
  dataTypes: 2,
  call: 3,
  error: 4,
  rowHeader: 6,
  row: 7,
  parameter: 8,
  status: 9,
  describe: 16,
  piggyback: 17,
  implicitResult: 27,
} as const;
const CALL = {
  reExecute: 4,
  fetch: 5,
  logOff: 9,
  commit: 14,
  rollback: 15,
  reExecuteAndFetch: 78,
  execute: 94,
  closeCursors: 105,
  authPhaseTwo: 115,
  authPhaseOne: 118,
  cancelCursors: 120,
  ping: 147,
} as const;
const OPTION = { define: 0x10, execute: 0x20, commit: 0x1_00, notBlock: 0x80_00 } as const;

const VERSION = 318;
/** Of 12.1: what later servers add to the messages is left out. */
const FIELDS_OF_12_1 = 7;
const NO_DATA = 1403;
const CANCELLED = 1013;
const UTF8 = 873;
const UTF16 = 2000;
const LONGEST = 32_767;

interface Bind {
  readonly type: number;
  readonly size: number;
}

/** A statement that was parsed, and what is left of its rows. */
interface Cursor {
  readonly text: string;
  readonly binds: readonly Bind[];
  defines: readonly Bind[];
  answer: OracleAnswer;
  sent: number;
}

const NOTHING: OracleAnswer = { columns: [], rows: [], count: 0 };

/** One client. */
export class OracleClient {
  readonly #peer: OraclePeer;
  readonly #socket: Socket;
  readonly #ended = new AbortController();
  #received = Buffer.alloc(0);
  #message = Buffer.alloc(0);
  #isLarge = false;
  #connect: { text: Buffer; length: number } | undefined;
  #user = '';
  #logon: O5Logon | undefined;
  #session: OracleSqlSession | undefined;
  readonly #cursors = new Map<number, Cursor>();
  #lastCursor = 0;
  #cancelling: AbortController | undefined;
  #turn: Promise<void> = Promise.resolve();

  constructor(peer: OraclePeer, socket: Socket) {
    this.#peer = peer;
    this.#socket = socket;
    socket.on('data', (bytes: Buffer) => {
      this.#received = Buffer.concat([this.#received, bytes]);
      this.#takePackets();
    });
  }

  end(): void {
    this.#ended.abort(new Error('the client is gone'));
    this.#session?.close();
  }

  #takePackets(): void {
    while (this.#received.length >= 8) {
      const length = this.#isLarge
        ? this.#received.readUInt32BE(0)
        : this.#received.readUInt16BE(0);
      if (this.#received.length < length) return;
      const packet = Buffer.from(this.#received.subarray(0, length));
      this.#received = this.#received.subarray(length);
      // a break overtakes what is under way
      if (packet[4] === PACKET.marker) this.#marker(packet);
      else this.#turn = this.#turn.then(() => this.#packet(packet)).catch(() => this.#lose());
    }
  }

  #lose(): void {
    this.#socket.destroy();
  }

  async #packet(packet: Buffer): Promise<void> {
    await this.#peer.held;
    if (packet[4] === PACKET.connect) {
      const [length, offset] = [packet.readUInt16BE(24), packet.readUInt16BE(26)];
      this.#connect = { text: packet.subarray(offset), length };
      return this.#accept();
    }
    if (this.#connect !== undefined) {
      this.#connect.text = Buffer.concat([this.#connect.text, packet.subarray(10)]);
      return this.#accept();
    }
    this.#message = Buffer.concat([this.#message, packet.subarray(10)]);
    const message = this.#message;
    try {
      await this.#heard(new TtcReader(message));
      this.#message = Buffer.alloc(0);
    } catch (error) {
      if (!(error instanceof Incomplete)) throw error;
    }
  }

  /** The text may follow the packet, if it is long. */
  #accept(): void {
    const { text, length } = this.#connect ?? { text: Buffer.alloc(0), length: 0 };
    if (text.length < length) return;
    this.#connect = undefined;
    const named = /\((SERVICE_NAME|SID)=([^)]*)\)/i.exec(text.toString());
    if (named?.[2] !== this.#peer.options.service) {
      const number = named?.[1] === 'SID' ? 12_505 : 12_514;
      return this.#refuse(number);
    }
    const body = Buffer.alloc(37);
    body.writeUInt16BE(VERSION, 0);
    body.writeUInt16BE(8_192, 4);
    body.writeUInt16BE(LONGEST, 6);
    body.writeUInt16BE(1, 8);
    // no services of native encryption
    body[15] = 0x08;
    body.writeUInt32BE(8_192, 24);
    body.writeUInt32BE(65_536, 28);
    this.#send(PACKET.accept, body);
    this.#isLarge = true;
  }

  #refuse(number: number): void {
    const text = Buffer.from(
      `(DESCRIPTION=(TMP=)(VSNNUM=318767104)(ERR=${number})(ERROR_STACK=(ERROR=(CODE=${number})(EMFI=4))))`,
    );
    const head = Buffer.from([34, 0, 0, 0]);
    head.writeUInt16BE(text.length, 2);
    this.#send(PACKET.refuse, Buffer.concat([head, text]));
    this.#socket.end();
  }

  #send(kind: number, body: Buffer): void {
    const header = Buffer.alloc(8);
    if (this.#isLarge) header.writeUInt32BE(body.length + 8, 0);
    else header.writeUInt16BE(body.length + 8, 0);
    header[4] = kind;
    this.#socket.write(Buffer.concat([header, body]));
  }

  #answer(message: TtcWriter): void {
    const { bytes } = message;
    for (let at = 0; at === 0 || at < bytes.length; at += 8_000) {
      this.#send(PACKET.data, Buffer.concat([Buffer.alloc(2), bytes.subarray(at, at + 8_000)]));
    }
  }

  /** A break ends the call, which is answered after both sides have said that they begin anew. */
  #marker(packet: Buffer): void {
    if (packet[10] !== MARKER.reset) {
      this.#message = Buffer.alloc(0);
      this.#cancelling?.abort(
        new OracleError(CANCELLED, 'user requested cancel of current operation'),
      );
      return;
    }
    this.#send(PACKET.marker, Buffer.from([1, 0, MARKER.reset]));
    this.#answer(
      this.#failed(new OracleError(CANCELLED, 'user requested cancel of current operation'), 0),
    );
  }

  async #heard(reader: TtcReader): Promise<void> {
    let kind = reader.byte();
    if (kind === MESSAGE.protocol) return this.#answer(this.#protocol());
    // of the types nothing is converted
    if (kind === MESSAGE.dataTypes) return this.#answer(new TtcWriter().byte(2, 0, 0));
    while (kind === MESSAGE.piggyback) {
      const call = reader.byte();
      reader.skip('byte', 'byte');
      if (call !== CALL.closeCursors && call !== CALL.cancelCursors)
        throw new Error(`piggyback ${call}`);
      for (let count = reader.number(); count > 0; count--) {
        const id = reader.number();
        // of a cancelled one the rows are given up, and it stays parsed
        if (call === CALL.closeCursors) this.#cursors.delete(id);
      }
      kind = reader.byte();
    }
    if (kind !== MESSAGE.call) throw new Error(`message ${kind}`);
    const call = reader.byte();
    reader.skip('byte');
    await this.#called(call, reader);
  }

  async #called(call: number, reader: TtcReader): Promise<void> {
    switch (call) {
      case CALL.authPhaseOne:
        return this.#challenge(reader);
      case CALL.authPhaseTwo:
        return this.#prove(reader);
      case CALL.execute:
        return await this.#executed(this.#readExecute(reader));
      case CALL.reExecute:
      case CALL.reExecuteAndFetch:
        return await this.#executed(this.#readAgain(reader));
      case CALL.fetch:
        return this.#fetch(reader.number(), reader.number());
      case CALL.commit:
        return this.#transact(() => this.#session?.commit(), 'commit');
      case CALL.rollback:
        return this.#transact(() => this.#session?.rollback(), 'rollback');
      case CALL.ping:
        return this.#answer(done());
      case CALL.logOff:
        this.#answer(done());
        return;
      default:
        throw new Error(`call ${call}`);
    }
  }

  #protocol(): TtcWriter {
    const compiled = Buffer.alloc(53);
    compiled[7] = FIELDS_OF_12_1;
    const running = Buffer.alloc(7);
    running[6] = 0x04;
    const form = Buffer.alloc(11);
    form.writeUInt16BE(UTF16, 9);
    const charset = Buffer.alloc(5);
    charset.writeUInt16LE(UTF8, 0);
    charset[2] = 1;
    return new TtcWriter()
      .byte(MESSAGE.protocol, 6, 0)
      .raw(Buffer.from('x86_64/Linux 2.4.xx\0'))
      .raw(charset)
      .byte(0, form.length)
      .raw(form)
      .value(compiled)
      .value(running);
  }

  #readPairs(reader: TtcReader): { user: string; pairs: ReadonlyMap<string, string> } {
    reader.skip('byte', 'number', 'number', 'byte');
    const count = reader.number();
    reader.skip('byte', 'byte');
    const user = String(reader.value());
    const pairs = new Map<string, string>();
    for (let index = 0; index < count; index++) {
      reader.number();
      const name = String(reader.value());
      const value = reader.number() === 0 ? '' : String(reader.value());
      reader.number();
      pairs.set(name, value);
    }
    return { user, pairs };
  }

  #challenge(reader: TtcReader): void {
    const { user } = this.#readPairs(reader);
    this.#user = user.toLowerCase();
    // of an unknown user nothing is told apart
    this.#logon = new O5Logon(this.#peer.options.accounts[this.#user] ?? '\0');
    this.#answer(pairsOf(this.#logon.challenge()));
  }

  #prove(reader: TtcReader): void {
    const { pairs } = this.#readPairs(reader);
    this.#peer.programs.push(pairs.get('SESSION_CLIENT_DRIVER_NAME') ?? '');
    const proof = this.#logon?.proof(pairs);
    const refusal =
      proof === undefined
        ? new OracleError(1017, 'invalid username/password; logon denied')
        : this.#peer.refusals.get(this.#user);
    if (refusal !== undefined || proof === undefined) {
      this.#answer(this.#failed(refusal, 0));
      return;
    }
    const { file, options, procedures } = this.#peer;
    const who = { user: this.#user, service: options.service };
    this.#session = new OracleSqlSession(file, who, procedures);
    this.#answer(
      pairsOf([
        ['AUTH_SVR_RESPONSE', proof, 0],
        ['AUTH_VERSION_NO', String(0x17_00_00_00), 0],
        ['AUTH_SESSION_ID', '52', 0],
        ['AUTH_SERIAL_NUM', '7', 0],
        ['AUTH_SC_DBUNIQUE_NAME', 'CDB', 0],
        ['AUTH_SC_SERVICE_NAME', options.service, 0],
        ['AUTH_SC_INSTANCE_NAME', 'cdb1', 0],
        ['AUTH_INSTANCENAME', 'cdb1', 0],
      ]),
    );
  }

  #readExecute(reader: TtcReader): Execution {
    const options = reader.number();
    const known = reader.number();
    const hasText = reader.byte() === 1;
    reader.skip('number', 'byte', 'number', 'byte', 'byte', 'byte');
    const rows = reader.number();
    reader.skip('number', 'byte');
    const bindCount = reader.number();
    reader.skip('byte', 'byte', 'byte', 'byte', 'byte', 'byte');
    const defineCount = reader.number();
    reader.skip('number', 'byte', 'byte', 'byte', 'number', 'byte', 'number', 'number');
    reader.skip('byte', 'number', 'byte');
    const text = hasText ? String(reader.value()) : (this.#cursors.get(known)?.text ?? '');
    for (let index = 0; index < 13; index++) reader.number();
    if ((options & OPTION.define) !== 0) {
      return {
        id: known,
        text,
        rows,
        isRead: true,
        options,
        binds: [],
        defines: readVariables(reader, defineCount),
        values: [],
      };
    }
    const binds = readVariables(reader, bindCount);
    const isOneBlock = (options & OPTION.notBlock) === 0;
    const values = bindCount === 0 ? [] : readRow(reader, binds, isOneBlock);
    const isRead = (options & OPTION.execute) === 0;
    return { id: known, text, rows, isRead, options, binds, defines: [], values };
  }

  #readAgain(reader: TtcReader): Execution {
    const id = reader.number();
    const rows = reader.number();
    reader.number();
    const options = reader.number() === 0 ? 0 : OPTION.commit;
    const { text = '', binds = [] } = this.#cursors.get(id) ?? {};
    const values = binds.length === 0 ? [] : readRow(reader, binds, isBlock(text));
    return { id, text, rows, isRead: false, options, binds, defines: [], values };
  }

  async #executed(one: Execution): Promise<void> {
    const cursor = this.#cursors.get(one.id);
    if (one.defines.length > 0 && cursor !== undefined) {
      cursor.defines = one.defines;
      return this.#fetch(one.id, one.rows);
    }
    // what a block has opened is only read
    if (cursor !== undefined && one.isRead) return this.#fetch(one.id, one.rows);
    const id = one.id === 0 ? ++this.#lastCursor : one.id;
    // it stays parsed whatever comes of it
    const parsed = { text: one.text, binds: one.binds, defines: [], answer: NOTHING, sent: 0 };
    this.#cursors.set(id, parsed);
    const cancelling = new AbortController();
    this.#cancelling = cancelling;
    const signal = AbortSignal.any([cancelling.signal, this.#ended.signal]);
    try {
      const answer = await this.#carryOut(one, signal);
      await this.#peer.held;
      this.#cursors.set(id, { ...parsed, answer });
      if (answer.columns.length === 0)
        return this.#answer(finished(new TtcWriter(), { id, count: answer.count }));
      if (isBlock(one.text)) return this.#answer(this.#opened(answer, id));
      const isNew = one.id === 0;
      this.#sendRows(isNew ? described(answer) : new TtcWriter(), id, one.rows);
    } catch (error) {
      if (this.#ended.signal.aborted) return;
      if (!cancelling.signal.aborted) return this.#answer(this.#failed(error, id));
      // the client answers a break by beginning anew, and is told then
      this.#send(PACKET.marker, Buffer.from([1, 0, 1]));
    } finally {
      this.#cancelling = undefined;
    }
  }

  /** The rows that a block returns by DBMS_SQL.RETURN_RESULT are read from a cursor of their own. */
  #opened(answer: OracleAnswer, id: number): TtcWriter {
    const own = ++this.#lastCursor;
    this.#cursors.set(own, { text: '', binds: [], defines: [], answer, sent: 0 });
    const message = new TtcWriter().byte(MESSAGE.implicitResult).number(1).byte(0);
    return finished(columnsInto(message, answer).number(own), { id, count: 0 });
  }

  async #carryOut(one: Execution, signal: AbortSignal): Promise<OracleAnswer> {
    const session = this.#session;
    if (session === undefined) throw new Error('nobody has signed in');
    this.#peer.texts.push(one.text);
    const fault = this.#peer.faultOf(one.text);
    if (fault !== undefined) throw fault;
    this.#peer.running.add(one.text);
    try {
      const commit = (one.options & OPTION.commit) !== 0;
      const answer = await session.carryOut(one.text, one.values, { commit, signal });
      if (commit) session.commit();
      return answer;
    } finally {
      this.#peer.running.delete(one.text);
    }
  }

  #fetch(id: number, rows: number): void {
    this.#sendRows(new TtcWriter(), id, rows);
  }

  #sendRows(message: TtcWriter, id: number, most: number): void {
    const cursor = this.#cursors.get(id);
    if (cursor === undefined)
      return this.#answer(this.#failed(new OracleError(1001, 'invalid cursor'), 0));
    const { answer, defines } = cursor;
    const rows = answer.rows.slice(cursor.sent, cursor.sent + most);
    if (rows.length > 0) message.byte(MESSAGE.rowHeader, 0).number(0, 0, 0, 0, 0, 0);
    for (const row of rows) {
      message.byte(MESSAGE.row);
      for (const [index, value] of row.entries()) {
        const type = answer.columns[index]?.type ?? TYPE.varchar;
        message.value(bytesOf(value, type));
        const asked = defines[index]?.type;
        if (asked === TYPE.long || asked === TYPE.longRaw) message.number(0, 0);
      }
    }
    cursor.sent += rows.length;
    const isOver = cursor.sent >= answer.rows.length;
    const error = isOver ? new OracleError(NO_DATA, 'no data found') : undefined;
    this.#answer(finished(message, { id, count: cursor.sent, error }));
  }

  #transact(work: () => void, what: string): void {
    const fault = this.#peer.faultOf(what);
    if (fault !== undefined) return this.#answer(this.#failed(fault, 0));
    work();
    this.#answer(done());
  }

  #failed(error: unknown, id: number): TtcWriter {
    const known = error instanceof OracleError ? error : new OracleError(600, String(error));
    return finished(new TtcWriter(), { id, count: 0, error: known });
  }
}

interface Execution {
  readonly id: number;
  readonly text: string;
  readonly rows: number;
  /** Whether it is not executed. */
  readonly isRead: boolean;
  readonly options: number;
  readonly binds: readonly Bind[];
  readonly defines: readonly Bind[];
  readonly values: readonly (string | bigint | number | Buffer | null)[];
}

function readVariables(reader: TtcReader, count: number): Bind[] {
  return Array.from({ length: count }, () => {
    const type = reader.byte();
    reader.skip('byte', 'byte', 'byte');
    const size = reader.number();
    reader.skip('number', 'number', 'number', 'number', 'number', 'byte', 'number');
    return { type, size };
  });
}

/** What is longer than Oracle keeps in a row comes after the rest, unless it is for a block. */
function readRow(reader: TtcReader, binds: readonly Bind[], isBlock: boolean): Execution['values'] {
  if (reader.byte() !== MESSAGE.row) throw new Error('no row of values');
  const values: (string | bigint | number | Buffer | null)[] = binds.map(() => null);
  const isLate = ({ size }: Bind): boolean => !isBlock && size > LONGEST;
  for (const late of [false, true]) {
    for (const [index, bind] of binds.entries()) {
      if (isLate(bind) === late) values[index] = boundValue(reader.value(), bind.type);
    }
  }
  return values;
}

function pairsOf(pairs: readonly (readonly [string, string, number])[]): TtcWriter {
  const message = new TtcWriter().byte(MESSAGE.parameter).number(pairs.length);
  for (const [name, value, flags] of pairs) message.text(name).text(value).number(flags);
  return message.byte(MESSAGE.status).number(0, 0);
}

const done = (): TtcWriter => new TtcWriter().byte(MESSAGE.status).number(0, 0);

const isBlock = (text: string): boolean => /^\s*(?:begin|declare)\b/i.test(text);

const described = (answer: OracleAnswer): TtcWriter =>
  columnsInto(new TtcWriter().byte(MESSAGE.describe, 0), answer);

function columnsInto(message: TtcWriter, { columns }: OracleAnswer): TtcWriter {
  message.number(0, columns.length).byte(1);
  for (const [index, { name, type, precision, scale, size }] of columns.entries()) {
    const isText = type === TYPE.varchar;
    message
      .byte(type, 0, precision, scale)
      .number(size, 0, 0, 0, 0, isText ? UTF8 : 0)
      .byte(isText ? 1 : 0)
      .number(size)
      .byte(1, name.length)
      .text(name)
      .number(0, 0, index + 1, 0);
  }
  return message.number(0, 0, 0, 0, 0, 0);
}

/** The end of a call: its cursor, how many rows, and the error if there is one. */
function finished(
  message: TtcWriter,
  {
    id,
    count,
    error,
  }: { readonly id: number; readonly count: number; readonly error?: OracleError | undefined },
): TtcWriter {
  const number = error?.number ?? 0;
  message.byte(MESSAGE.error).number(0, 0, count, number, 0, 0, id, 0);
  message.byte(0, 0, 0, 0, 0, 0);
  // the row's address
  message.number(0, 0).byte(0).number(0, 0);
  message.number(0).byte(0, 0).number(0, 0, 0, 0, 0, 0);
  message.number(number, count);
  return error === undefined ? message : message.value(Buffer.from(`${error.message}\n`));
}

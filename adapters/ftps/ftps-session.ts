import type { Socket } from 'node:net';
import type { Client } from 'basic-ftp';
import { EngineError, NotConnectedError, toldElsewhere } from 'waybill/adapter';
import { FileError } from 'waybill/peer/folder';
import { replyCode } from './ftps-failure.ts';

/** The code of a server that is about to close the connection. */
const CLOSING = 421;
/** How long an idle connection gets to show that it is alive. */
const STILL_THERE = 5_000;

/** How long a server has to say why it interrupted a transfer. */
const LAST_WORDS = 500;

/** A refusal that came after the library had given up the transfer. */
class FtpsRefusal extends Error {
  readonly code: number;

  constructor(code: number, text: string) {
    super(text);
    this.code = code;
  }
}

/** What is known about an established connection. */
export interface FtpsFacts {
  /** `host:port` for people. */
  readonly place: string;
  /** `TLSv1.3, TLS_AES_256_GCM_SHA384`, or that there is none. */
  readonly security: string;
  /** The absolute path of the folder in which the sign-in starts. */
  readonly start: string;
  /** Commands beyond the first RFC that the server supports: `MLST`, `SIZE` … */
  readonly features: ReadonlySet<string>;
  /** Milliseconds of silence after which the connection counts as lost. */
  readonly timeout: number;
}

/** One signed-in connection, which does one thing after another, as FTP requires. Never used again after it broke. */
export class FtpsSession {
  readonly facts: FtpsFacts;
  readonly #client: Client;
  #last: Promise<unknown> = Promise.resolve();
  #used = performance.now();
  #ended: Error | undefined;
  readonly #onEnd: (() => void)[] = [];
  #lastReply = '';
  #onReply: () => void = () => undefined;

  constructor(client: Client, facts: FtpsFacts) {
    this.#client = client;
    this.facts = facts;
    // The library passes every line of the control connection to its log, and reports replies to a
    // transfer nowhere else.
    client.ftp.log = (line) => {
      if (!line.startsWith('< ')) return;
      this.#lastReply = line.slice(2);
      this.#onReply();
    };
    forgiveData(client);
    const close = client.ftp.closeWithError.bind(client.ftp);
    // The library removes all listeners from a socket before closing it; every end passes through
    // here.
    client.ftp.closeWithError = (error) => {
      close(error);
      this.#end(why(error, facts.timeout));
    };
  }

  /** The last thing the server said. It is for deciding, not for showing. */
  get lastReply(): string {
    return this.#lastReply;
  }

  get isAlive(): boolean {
    return this.#ended === undefined && !this.#client.closed;
  }

  /** Calls back once, when the connection has ended for whatever reason. */
  onEnd(then: () => void): void {
    this.#onEnd.push(then);
  }

  /**
   * Runs something on the connection once earlier work is done. Replies of 400 and more reject with
   * an error that has the reply's `code`; a broken connection, with NotConnectedError.
   */
  run<Value>(work: (client: Client) => Promise<Value>): Promise<Value> {
    const turn = this.#last.then(() => this.#run(work));
    this.#last = turn.catch(toldElsewhere);
    return turn;
  }

  /** Whether an idle connection still works; ends it if not. */
  async isStillThere(): Promise<boolean> {
    if (!this.isAlive) return false;
    if (performance.now() - this.#used < STILL_THERE) return true;
    const late = setTimeout(() => this.#client.close(), Math.min(STILL_THERE, this.facts.timeout));
    try {
      await this.run((client) => client.send('NOOP'));
      return true;
    } catch {
      // however it ended: a new one is opened
      return false;
    } finally {
      clearTimeout(late);
    }
  }

  /** Says goodbye and closes; what is under way ends with an error. */
  close(): void {
    this.#end('was closed by us');
    this.#client.close();
  }

  #end(text: string): Error {
    if (this.#ended !== undefined) return this.#ended;
    this.#ended = this.#gone(text);
    for (const then of this.#onEnd) then();
    return this.#ended;
  }

  async #run<Value>(work: (client: Client) => Promise<Value>): Promise<Value> {
    if (this.#ended !== undefined) throw this.#ended;
    try {
      return await work(this.#client);
    } catch (error) {
      throw await this.#explained(error);
    } finally {
      this.#used = performance.now();
    }
  }

  async #explained(error: unknown): Promise<unknown> {
    const code = replyCode(error);
    if (code !== undefined && code !== CLOSING && !this.#client.closed) return error;
    if (error instanceof EngineError) return error;
    if (!this.#client.closed) {
      if (/data connection|transfer strateg/.test((error as Error).message)) return this.#noData();
      // Only the data connection broke: the server usually says why.
      const refusal = await this.#lateRefusal();
      if (refusal !== undefined) return refusal;
    }
    const ended = this.#end(why(error, this.facts.timeout));
    this.#client.close();
    return ended;
  }

  /** What the server says after a transfer that it interrupted. */
  async #lateRefusal(): Promise<FtpsRefusal | undefined> {
    const said = this.#lastReply;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onReply = resolve;
    const timer = setTimeout(resolve, LAST_WORDS);
    await promise;
    clearTimeout(timer);
    this.#onReply = () => undefined;
    const [, code] = /(?:^|\n)(\d{3}) [^\n]*\s*$/.exec(this.#lastReply) ?? [];
    const refused = this.#lastReply !== said && Number(code) >= 400 && Number(code) !== CLOSING;
    return refused ? new FtpsRefusal(Number(code), this.#lastReply) : undefined;
  }

  /** Not a lost connection, which would be retried at once and for ever: somebody has to open the ports. */
  #noData(): FileError {
    this.close();
    return new FileError(
      'failed',
      `No data connection to ${this.facts.place} could be opened. FTP needs a second connection for each file: ask its owner whether its passive ports are open to us in every firewall, and whether it names the right address.`,
    );
  }

  #gone(text: string): NotConnectedError {
    return new NotConnectedError(
      `The connection to ${this.facts.place} is gone: it ${text}. It is opened again; look at the log of the server if it lasts.`,
    );
  }
}

/** The library's errors have only a text. */
function why(error: unknown, timeout: number): string {
  const text = error instanceof Error ? error.message : '';
  if (replyCode(error) === CLOSING) return 'was ended by the server (421), which may be too busy';
  if (/Timeout/i.test(text)) return `was silent for ${timeout / 1_000} s`;
  if (/FIN packet|closed connection unexpectedly/.test(text)) return 'was closed by the server';
  return /data socket/.test(text) ? 'broke off while a file was sent or fetched' : 'was broken off';
}

/**
 * Prevents the library from closing the whole client when a data connection breaks. A server that
 * refuses a file, or whose disk is full, breaks the data connection first and says why afterwards,
 * on the control connection: if that were closed at once, the answer would be lost and every
 * refusal would look like a bad network.
 */
function forgiveData(client: Client): void {
  let prepare = client.prepareTransfer;
  const forgiving: Client['prepareTransfer'] = async (ftp) => {
    const answer = await prepare(ftp);
    // The library first tries what the server can do, and replaces our hook with what worked.
    if (client.prepareTransfer !== forgiving) {
      prepare = client.prepareTransfer;
      client.prepareTransfer = forgiving;
    }
    if (ftp.dataSocket !== undefined) soften(ftp.dataSocket);
    return answer;
  };
  client.prepareTransfer = forgiving;
}

/** Removes the listener that the library has just added; the transfer reports its own errors. */
function soften(socket: Socket): void {
  for (const event of ['error', 'close']) {
    const added = socket.listeners(event).at(-1);
    if (added !== undefined) socket.off(event, added as () => void);
  }
  socket.on('error', () => undefined);
}

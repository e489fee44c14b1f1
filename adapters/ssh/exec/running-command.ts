import { once } from 'node:events';
import type { ClientChannel } from 'ssh2';
import { type Body, timerTime, toldElsewhere } from 'waybill/adapter';
import { Dialogue, type Refused } from './dialogue.ts';
import { type ExecSession, LostWhileBeginning } from './exec-session.ts';
import { Output, Tail } from './output.ts';

export interface Order {
  /** The line for the shell of the server. */
  readonly line: string;
  readonly talk: ConstructorParameters<typeof Dialogue>[0];
  readonly stdin: Body | undefined;
  readonly pty: boolean;
  /** Milliseconds it may run. */
  readonly timeout: number;
  /** Bytes of its output that are kept. */
  readonly limit: number;
  /** Called with true when it may have begun: from then until its end it is unknown what it has done. */
  readonly doubt?: (may: boolean) => void;
  /** Called once the command itself runs. */
  readonly onBegun?: (() => void) | undefined;
  /** Ends a command by its process number, if our own account may not. */
  readonly endThere?: ((pid: number) => Promise<void>) | undefined;
}

/** How a command ended. */
export interface Ended {
  /** `gone`: unknown; `late`: it was ended after its time; `refused`: it refused an answer. */
  readonly how: 'itself' | 'gone' | 'late' | Refused;
  readonly code: number | undefined;
  /** Such as `SIGKILL`, if a signal ended it. */
  readonly signal: string | undefined;
  readonly output: Buffer;
  readonly cut: boolean;
  /** The end of its errors. */
  readonly errors: string;
  /** Whether the command itself began, as far as we can tell: with `become` it may not have. */
  readonly begun: boolean;
  /** Its process number on the server, if known and the command may still run. */
  readonly left: number | undefined;
}

/** How long a command has to end after each signal, and how long its last output may take after its end. */
const PATIENCE = 1_500;
const LAST_OUTPUT = 2_000;

/**
 * Runs one command. Rejects if it did not begin, if its input could not be read, and when the signal aborts; a running
 * command is then ended first.
 */
export async function runCommand(
  session: ExecSession,
  order: Order,
  signal: AbortSignal,
): Promise<Ended> {
  signal.throwIfAborted();
  order.doubt?.(true);
  const running = await beginning(session, order);
  return await running.end(signal);
}

async function beginning(session: ExecSession, order: Order): Promise<RunningCommand> {
  try {
    const { line, pty } = order;
    return await session.exec(line, pty, (channel) => new RunningCommand(session, channel, order));
  } catch (error) {
    if (!(error instanceof LostWhileBeginning)) order.doubt?.(false);
    throw error;
  }
}

class RunningCommand {
  readonly #session: ExecSession;
  readonly #channel: ClientChannel;
  readonly #order: Order;
  readonly #dialogue: Dialogue;
  readonly #output: Output;
  readonly #errors = new Tail();
  readonly #early: Buffer[] = [];
  readonly #closed = Promise.withResolvers<void>();
  readonly #begun = Promise.withResolvers<void>();
  readonly #stop = Promise.withResolvers<Ended['how']>();
  #exit: { readonly code: number | undefined; readonly signal: string | undefined } | undefined;

  constructor(session: ExecSession, channel: ClientChannel, order: Order) {
    this.#session = session;
    this.#channel = channel;
    this.#order = order;
    this.#output = new Output(order.limit);
    this.#dialogue = new Dialogue(order.talk, (text) => channel.write(text));
    this.#begun.promise.catch(toldElsewhere);
    if (this.#dialogue.begun) this.#begins();
    channel.on('data', (chunk: Buffer) => this.#hearOutput(chunk));
    channel.stderr.on('data', (chunk: Buffer) => this.#hear(chunk, (own) => this.#errors.add(own)));
    channel.on('exit', (...[code, name]: [number | null, string?]) => this.#exited(code, name));
    channel.on('error', () => channel.close());
    channel.on('close', () => this.#closed.resolve());
    if (session.ended) this.#closed.resolve();
  }

  /** Waits for its end. */
  async end(signal: AbortSignal): Promise<Ended> {
    const aborted = Promise.withResolvers<never>();
    const abort = (): void => aborted.reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    const { timeout } = this.#order;
    const late = Number.isFinite(timeout)
      ? setTimeout(() => this.#stop.resolve('late'), timerTime(timeout))
      : undefined;
    const feeding = this.#feed();
    feeding.catch(toldElsewhere);
    try {
      const over = this.#closed.promise.then(() => 'itself' as const);
      const failed = feeding.then(() => over);
      const how = await Promise.race([over, this.#stop.promise, failed, aborted.promise]);
      if (how !== 'itself') await this.#kill();
      return this.#ended(how);
    } catch (error) {
      await this.#kill();
      throw error;
    } finally {
      clearTimeout(late);
      signal.removeEventListener('abort', abort);
    }
  }

  #ended(how: Ended['how']): Ended {
    const { code, signal } = this.#exit ?? {};
    const itself = this.#exit === undefined ? 'gone' : 'itself';
    const { begun, prelude, pid } = this.#dialogue;
    return {
      how: how === 'itself' ? itself : how,
      code,
      signal,
      output: this.#output.bytes,
      cut: this.#output.cut,
      errors: begun ? this.#errors.text : prelude.trim(),
      begun,
      left: this.#exit === undefined ? pid : undefined,
    };
  }

  /** The two streams have no order: output may arrive before the mark of the beginning. */
  #hearOutput(chunk: Buffer): void {
    if (this.#dialogue.begun || this.#order.pty) this.#hear(chunk, (own) => this.#output.add(own));
    else this.#early.push(chunk);
  }

  #hear(chunk: Buffer, keep: (own: Buffer) => void): void {
    const own = this.#dialogue.hear(chunk);
    if (typeof own === 'string') this.#stop.resolve(own);
    else keep(own);
    if (this.#dialogue.begun) this.#begins();
    if (this.#mayAsk && this.#dialogue.allGiven) this.#endInput();
  }

  #begins(): void {
    for (const chunk of this.#early.splice(0)) this.#hearOutput(chunk);
    this.#begun.resolve();
    this.#order.onBegun?.();
  }

  #exited(code: number | null, signal: string | undefined): void {
    this.#exit = { code: code ?? undefined, signal: code === null ? signal : undefined };
    // processes it left behind may hold its output open forever
    setTimeout(() => this.#channel.close(), LAST_OUTPUT).unref();
  }

  /** Writes the body once the command itself reads. It is no failure if the command stops reading. */
  async #feed(): Promise<void> {
    const { stdin } = this.#order;
    await Promise.race([this.#begun.promise, this.#closed.promise]);
    const channel = this.#channel;
    const gone = this.#closed.promise.then(() => 'gone' as const);
    if (stdin !== undefined) {
      for await (const chunk of stdin.stream()) {
        if (!channel.writable) break;
        if (channel.write(chunk)) continue;
        if ((await Promise.race([once(channel, 'drain'), gone])) === 'gone') break;
      }
    }
    if (!this.#mayAsk) this.#endInput();
  }

  /** A terminal has no end of input: it would end its output too. */
  #endInput(): void {
    if (!this.#order.pty && this.#channel.writable) this.#channel.end();
  }

  get #mayAsk(): boolean {
    return this.#order.talk.answers.length > 0;
  }

  /** Ends the command on the server as far as possible, then gives up the channel. */
  async #kill(): Promise<void> {
    const { pid } = this.#dialogue;
    if (pid !== undefined && this.#exit === undefined && !this.#session.ended) {
      // if that fails, the signals below are tried, and the reply says that it may still run
      await this.#order.endThere?.(pid).catch(toldElsewhere);
      await this.#closedWithin(PATIENCE);
    }
    for (const name of ['TERM', 'KILL'] as const) {
      if (this.#exit !== undefined || this.#session.ended) break;
      this.#session.signal(this.#channel, name);
      await this.#closedWithin(PATIENCE);
    }
    this.#channel.close();
    await this.#closedWithin(PATIENCE);
  }

  async #closedWithin(time: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, time);
    await Promise.race([this.#closed.promise, promise]);
    clearTimeout(timer);
  }
}

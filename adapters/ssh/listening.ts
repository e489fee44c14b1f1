import type { Duplex } from 'node:stream';
import { background, type setting } from 'waybill/adapter';
import { answersTls, type SpokenProtocol, spokenProtocol } from 'waybill/peer/basics';

/** How long a server may be silent before we check whether it speaks TLS, and how long it has to answer. */
const SILENCE = 2_000;
const ANSWER = 3_000;

/** Records what the peer says first, to recognise an SSH server: those that wait for TLS say nothing at all. */
export class Listening {
  readonly #socket: Duplex;
  readonly #address: setting.Address | undefined;
  readonly #patience: number;
  readonly #asking: NodeJS.Timeout;
  #foreign: (reason: Error) => void = () => undefined;
  #ssh: (software: string) => void = () => undefined;
  #software = '';
  #isSsh = false;
  #heard: SpokenProtocol | undefined;

  /**
   * `patience` is how long connecting may take in total. Without an address (behind a jump host),
   * TLS is not checked.
   */
  constructor(socket: Duplex, address: setting.Address | undefined, patience: number) {
    this.#socket = socket;
    this.#address = address;
    this.#patience = Math.min(ANSWER, patience);
    this.#asking = setTimeout(
      () => background(this.#askForTls(), 'checking a silent port for TLS'),
      SILENCE,
    );
    // The library has paused the socket; this listener does not set it flowing.
    socket.pause().on('data', this.#hear);
  }

  /** What the server calls itself; empty until then. */
  get software(): string {
    return this.#software;
  }

  /** The protocol that is spoken there, if it is not SSH. */
  get heard(): SpokenProtocol | undefined {
    return this.#heard;
  }

  /** Calls back as soon as another protocol is recognised. */
  whenForeign(then: (reason: Error) => void): void {
    this.#foreign = then;
  }

  /** Calls back once an SSH server has said what it is. */
  whenSsh(then: (software: string) => void): void {
    this.#ssh = then;
  }

  /**
   * After a failure: checks whether a server that said nothing, or nothing known, speaks TLS.
   * vsftpd complains about our plain-text greeting.
   */
  async askIfUnheard(): Promise<void> {
    this.stop();
    if (!this.#isSsh && this.#heard === undefined) await this.#askForTls();
  }

  stop(): void {
    clearTimeout(this.#asking);
    this.#socket.off('data', this.#hear);
  }

  readonly #hear = (chunk: Buffer): void => {
    this.stop();
    const [, software] = /(?:^|\n)SSH-[\d.]+-([^\r\n]*)/.exec(chunk.toString('latin1')) ?? [];
    this.#software = printable(software ?? '');
    if (software !== undefined) {
      this.#isSsh = true;
      return this.#ssh(this.#software);
    }
    const spoken = spokenProtocol(chunk);
    if (spoken !== undefined) this.#recognise(spoken);
  };

  async #askForTls(): Promise<void> {
    if (this.#address !== undefined && (await answersTls(this.#address, this.#patience)))
      this.#recognise(spokenProtocol(Buffer.of(0x16, 3, 3)));
  }

  #recognise(spoken: SpokenProtocol | undefined): void {
    this.#heard = spoken;
    this.#foreign(new Error('another protocol'));
  }
}

function printable(text: string): string {
  return text.replaceAll(/[^ -~]/g, '?').slice(0, 100);
}

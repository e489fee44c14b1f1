import type { Socket } from 'node:net';
import { answersTls, type SpokenProtocol, type setting, spokenProtocol } from 'waybill/adapter';

/** How long a server may keep silent before it is asked whether it speaks TLS. */
const SILENCE = 2_000;

/** Hears what a peer says first, to tell an SSH server from another one: those that wait for TLS say nothing at all. */
export class Listening {
  readonly #socket: Socket;
  readonly #asking: NodeJS.Timeout;
  #foreign: (reason: Error) => void = () => undefined;
  #ssh: (software: string) => void = () => undefined;
  #software = '';
  #heard: SpokenProtocol | undefined;

  constructor(socket: Socket, address: setting.Address) {
    this.#socket = socket;
    this.#asking = setTimeout(() => void this.#askForTls(address), SILENCE);
    // The library has paused the socket; this listener does not set it flowing.
    socket.pause().on('data', this.#hear);
  }

  /** What the server calls itself; empty before it did. */
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

  stop(): void {
    clearTimeout(this.#asking);
    this.#socket.off('data', this.#hear);
  }

  readonly #hear = (chunk: Buffer): void => {
    this.stop();
    const [, software] = /(?:^|\n)SSH-[\d.]+-([^\r\n]*)/.exec(chunk.toString('latin1')) ?? [];
    this.#software = printable(software ?? '');
    if (software !== undefined) return this.#ssh(this.#software);
    const spoken = spokenProtocol(chunk);
    if (spoken !== undefined) this.#recognise(spoken);
  };

  async #askForTls(address: setting.Address): Promise<void> {
    if (await answersTls(address)) this.#recognise(spokenProtocol(Buffer.of(0x16, 3, 3)));
  }

  #recognise(spoken: SpokenProtocol | undefined): void {
    this.#heard = spoken;
    this.#foreign(new Error('another protocol'));
  }
}

function printable(text: string): string {
  return text.replaceAll(/[^ -~]/g, '?').slice(0, 100);
}

import { Paced } from 'waybill/peer/basics';
import type { LiveSocket } from './live-socket.ts';
import type { Taking, WebSender } from './taking.ts';

/** One connection of a sender: its messages are taken in their order, and answered in it. */
export class Conversation {
  readonly #live: LiveSocket;
  readonly #taking: Taking;
  readonly #sender: WebSender;
  readonly #paced: Paced;
  #answered: Promise<void> = Promise.resolve();

  constructor(live: LiveSocket, taking: Taking, sender: WebSender, atOnce: number) {
    this.#live = live;
    this.#taking = taking;
    this.#sender = sender;
    this.#paced = new Paced(atOnce);
    live.hear(atOnce, (body, isText) => this.#heard(body, isText));
  }

  /** Takes nothing more, and says goodbye once what is in work is answered. */
  async finish(code: number): Promise<void> {
    this.#live.stop();
    await this.#answered;
    await this.#live.close(code);
  }

  #heard(body: Buffer, isText: boolean): Promise<void> {
    const before = this.#answered;
    const taken = this.#paced.run(() => this.#taking.take({ body, isText, sender: this.#sender }));
    this.#answered = this.#answer(taken, before, isText);
    return this.#answered;
  }

  async #answer(
    taken: Promise<Uint8Array | undefined>,
    before: Promise<void>,
    isText: boolean,
  ): Promise<void> {
    const answer = await taken;
    await before;
    if (answer === undefined || !this.#live.isOpen) return;
    try {
      await this.#live.sendAtOnce(answer, isText);
    } catch {
      // the connection is lost, which its owner hears of: the sender sends again what was not answered
    }
  }
}

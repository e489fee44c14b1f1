import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { Connection, EventContext, Message, Receiver, Sender } from 'rhea';
import rhea from 'rhea';

/** What a put-token request said. */
export interface PutToken {
  readonly type: string;
  readonly audience: string;
  readonly token: string;
}

/** How a message was settled, in words. */
interface Settled {
  readonly id: string;
  readonly how: string;
  readonly reason?: string | undefined;
}

/**
 * What Azure Service Bus adds to AMQP 1.0: claims that are put before a link ($cbs) and sessions of a queue. Links to
 * an address without a claim are refused, as there.
 */
export interface FakeServiceBus extends AsyncDisposable {
  readonly port: number;
  readonly puts: PutToken[];
  readonly settled: Settled[];
  readonly received: Message[];
  /** Messages by session; those without sessions are under ''. */
  readonly sessions: Map<string, Message[]>;
  /** The sessions that were handed out, in order. */
  readonly taken: string[];
  /** From now on tokens get this status. */
  status: number;
  /** Ends every link with this condition. */
  detach(condition: string): void;
}

/** What its types leave out: a connection that others began. */
interface Accepting {
  accept(socket: Socket): void;
}

const FILTER = 'com.microsoft:session-filter';

export async function fakeServiceBus(): Promise<FakeServiceBus> {
  const bus = new Bus();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    const connection = bus.container.create_connection() as unknown as Accepting;
    connection.accept(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  bus.port = (server.address() as AddressInfo).port;
  bus.end = async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  };
  return bus;
}

class Bus implements FakeServiceBus {
  readonly container = rhea.create_container({ id: 'fake-service-bus' });
  readonly puts: PutToken[] = [];
  readonly settled: Settled[] = [];
  readonly received: Message[] = [];
  readonly sessions = new Map<string, Message[]>();
  readonly taken: string[] = [];
  readonly #locked = new Set<string>();
  readonly #claims = new WeakMap<Connection, Set<string>>();
  readonly #links = new Set<Sender | Receiver>();
  #replies: Sender | undefined;
  status = 202;
  port = 0;
  end: () => Promise<void> = () => Promise.resolve();

  constructor() {
    const { container } = this;
    container.on('error', () => undefined);
    container.on('disconnected', () => undefined);
    container.on('receiver_open', ({ receiver, connection }: EventContext) => {
      if (receiver !== undefined) this.#attached(receiver, connection, addressOf(receiver.target));
    });
    container.on('sender_open', ({ sender, connection }: EventContext) => {
      if (sender !== undefined) this.#reading(sender, connection);
    });
    container.on('message', (context: EventContext) => this.#heard(context));
    container.on('sender_close', ({ sender }: EventContext) => {
      if (sender !== undefined) this.#locked.delete(sessionOf(sender) ?? '');
    });
    for (const how of ['accepted', 'released', 'modified', 'rejected'] as const) {
      container.on(how, ({ delivery, sender }: EventContext) => {
        if (sender === this.#replies) return;
        const state = delivery?.remote_state as { error?: { info?: Record<string, string> } };
        const id = String(delivery?.tag);
        this.settled.push({ id, how, reason: state?.error?.info?.['DeadLetterReason'] });
      });
    }
  }

  detach(condition: string): void {
    for (const link of this.#links) link.close({ condition, description: 'as the test wants' });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }

  #attached(link: Sender | Receiver, connection: Connection, address: string): boolean {
    if (address === '$cbs') {
      told(link, address);
      return true;
    }
    const claimed = [...(this.#claims.get(connection) ?? [])].some((one) =>
      one.endsWith(`/${address}`),
    );
    if (claimed) {
      told(link, address);
      this.#links.add(link);
      return true;
    }
    link.close({ condition: 'amqp:unauthorized-access', description: 'no claim' });
    return false;
  }

  #reading(sender: Sender, connection: Connection): void {
    const address = addressOf(sender.source);
    if (!this.#attached(sender, connection, address)) return;
    if (address === '$cbs') {
      this.#replies = sender;
      return;
    }
    const wanted = filterOf(sender);
    const session = wanted === undefined ? '' : this.#next(wanted);
    if (session === undefined) {
      sender.close({ condition: 'com.microsoft:timeout', description: 'no session' });
      return;
    }
    if (session !== '') {
      this.#locked.add(session);
      this.taken.push(session);
    }
    const send = (): void => {
      const waiting = this.sessions.get(session) ?? [];
      while (sender.sendable() && waiting.length > 0) {
        const message = waiting.shift();
        if (message !== undefined) sender.send(message, String(message.message_id));
      }
    };
    sender.on('sendable', send);
    send();
  }

  /** A session with messages that nobody has; `null` asks for any. */
  #next(wanted: string | null): string | undefined {
    const found = [...this.sessions].find(
      ([id, all]) => all.length > 0 && !this.#locked.has(id) && (wanted === null || id === wanted),
    );
    return found?.[0];
  }

  #heard({ message, receiver, connection }: EventContext): void {
    if (message === undefined) return;
    if (addressOf(receiver?.target) !== '$cbs') {
      this.received.push(message);
      return;
    }
    const { type, name } = message.application_properties ?? {};
    this.puts.push({ type: String(type), audience: String(name), token: String(message.body) });
    const claims = this.#claims.get(connection) ?? new Set<string>();
    if (this.status < 300) claims.add(String(name));
    this.#claims.set(connection, claims);
    this.#replies?.send({
      correlation_id: message.message_id as string,
      application_properties: { 'status-code': this.status, 'status-description': 'as told' },
      body: '',
    });
  }
}

/** The answer to an attach names what it is to. */
function told(link: Sender | Receiver, address: string): void {
  if (link.is_receiver()) link.set_target({ address });
  else link.set_source({ address });
}

function addressOf(terminus: unknown): string {
  const { address } = (terminus ?? {}) as { address?: unknown };
  return typeof address === 'string' ? address : '';
}

/** Undefined without a filter for sessions. */
function filterOf(sender: Sender): string | null | undefined {
  const { filter } = sender.source as unknown as { filter?: Record<string, string | null> };
  return filter === undefined || filter === null ? undefined : filter[FILTER];
}

const sessionOf = (sender: Sender): string | undefined => filterOf(sender) ?? undefined;

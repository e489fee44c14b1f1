import { explained, type Step, StepFailure } from 'waybill/adapter';
import { probe, tryTls } from 'waybill/peer';
import { type ConnectLent, connect, productOf } from './connect.ts';
import type { Parameter, Product, Session } from './database.ts';
import { SqlFailure } from './sql-failure.ts';
import { AtWork } from './sql-line.ts';
import { type Cut, prepared } from './statement.ts';

export type TryLent = ConnectLent & { readonly signal: AbortSignal };

/** A statement that is looked at without being carried out. */
export interface Tried {
  readonly statement: Pick<Cut<unknown>, 'texts'>;
  /** How many values it has. */
  readonly values: number;
}

const SMALL = { rows: 100, bytes: 1_000_000 };

/**
 * The steps of both directions: `name`, `TCP`, `TLS`, `sign-in`, `database`, and a dry run of each statement, which shows
 * whether its tables are there and whether the account may use them. Nothing is changed.
 */
export async function trySql(
  lent: TryLent,
  step: Step,
  statements: readonly Tried[],
  more: (at: AtWork, product: Product) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const { settings, signal } = lent;
  await probe(lent, step, { address: settings.connect });
  const product = await productOf(settings.product);
  const told: Step = (name, run) => step(name, (detail) => explained(async () => run(detail)));
  if (settings.security === 'tls') await tlsStep(lent, told, product);
  const session = await told('sign-in', async (detail) => {
    const opened = await connect(lent, product, signal);
    detail(`runs as ${opened.facts.identity}; ${opened.facts.encryption}`);
    return opened;
  });
  try {
    const at = new AtWork(session, settings.timeout, signal);
    await told('database', (detail) => detail(databaseText(session)));
    await told('statements', async (detail) => {
      const looked: string[] = [];
      for (const [index, one] of statements.entries()) {
        looked.push(`${index + 1}: ${await dryRun(at, product, one)}`);
      }
      detail(looked.join('; ') || 'none');
    });
    await more(at, product);
  } finally {
    await session.close();
  }
}

const databaseText = ({ facts }: Session): string => `${facts.database} on ${facts.server}`;

/** The handshake begins inside the protocol: both products agree to it after a few bytes in clear. */
async function tlsStep(lent: TryLent, step: Step, product: Product): Promise<void> {
  const { connect: address, tls } = lent.settings;
  await step('TLS', async (detail) => {
    const agreed = await tryTls(
      lent,
      { address, tls, silent: true, agree: (talk) => product.agreeToTls(talk) },
      detail,
    );
    if (agreed) return;
    throw new StepFailure(
      'the server offers no TLS, or it is another product',
      'Have TLS switched on at the server; security: none would send password and rows in clear',
    );
  });
}

async function dryRun(at: AtWork, product: Product, { statement, values }: Tried): Promise<string> {
  const nothing = Array.from({ length: values }, (): Parameter => null);
  const { text } = prepared(statement, nothing, product);
  const dry = product.dry(text);
  if (dry === undefined) return 'not looked at: it can only be carried out';
  try {
    await at.run({ text: dry, values: nothing }, SMALL);
    return 'understood and allowed';
  } catch (error) {
    if (!(error instanceof SqlFailure)) throw error;
    if (error.problem === 'value' || error.problem === 'constraint') return 'understood';
    throw new StepFailure([error.what, error.said].filter(Boolean).join(': '), error.remedy);
  }
}

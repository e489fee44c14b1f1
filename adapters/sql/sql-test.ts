import { explained, type Step, StepFailure, type setting } from 'waybill/adapter';
import { probe, type Talk, tryTls } from 'waybill/peer/basics';
import { type ConnectLent, connect, productOf } from './connect.ts';
import type { Parameter, Product, SqlSession } from './database.ts';
import { SqlFailure } from './sql-failure.ts';
import { AtWork } from './sql-line.ts';
import { hasNoAddress } from './sql-settings.ts';
import { type Cut, prepared } from './statement.ts';

export type TryLent = ConnectLent & { readonly signal: AbortSignal };

/** A statement that is checked without being executed. */
export interface Tried {
  readonly statement: Pick<Cut<unknown>, 'texts'>;
  /** How many values it has. */
  readonly values: number;
}

const SMALL = { rows: 100, bytes: 1_000_000 };

/**
 * The steps of both directions: `name`, `TCP`, `TLS`, `sign-in`, `database`, and a dry run of each statement, which shows
 * whether its tables exist and whether the account may use them. Nothing is changed.
 */
export async function trySql(
  lent: TryLent,
  step: Step,
  statements: readonly Tried[],
  more: (at: AtWork, product: Product) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const { settings, signal } = lent;
  const product = await productOf(settings);
  const told: Step = (name, run) => step(name, (detail) => explained(async () => run(detail)));
  if (!hasNoAddress(settings)) {
    const address = await addressOf(lent, told, product);
    await probe(lent, step, { address });
    if (settings.security !== 'none') await tlsStep(lent, told, { product, address });
  }
  const session = await told(settings.product === 'sqlite' ? 'file' : 'sign-in', async (detail) => {
    const opened = await connect(lent, product, signal);
    detail(`runs as ${opened.facts.identity}; ${opened.facts.encryption}`);
    return opened;
  });
  try {
    using at = new AtWork(session, settings.timeout);
    at.obey(signal);
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

const databaseText = ({ facts }: SqlSession): string => `${facts.database} on ${facts.server}`;

/** If the port is looked up first, that is a separate step. */
async function addressOf(
  { settings, signal }: TryLent,
  step: Step,
  product: Product,
): Promise<setting.Address> {
  const { instance, connect: given } = settings;
  if (given === undefined) {
    throw new StepFailure('no server is named', 'Set connect to the server and its port');
  }
  if (instance === undefined || product.find === undefined) return given;
  return await step('instance', async (detail) => {
    const found = await product.find?.(settings, signal);
    detail(`${instance} listens on port ${found?.port ?? given.port}`);
    return found ?? given;
  });
}

/** The handshake begins inside the protocol, after a few unencrypted bytes; with TDS 8 from the start. */
async function tlsStep(
  lent: TryLent,
  step: Step,
  { product, address }: { readonly product: Product; readonly address: setting.Address },
): Promise<void> {
  const { tls, security } = lent.settings;
  const trial =
    security === 'strict'
      ? { alpn: product.alpn }
      : {
          silent: true,
          agree: (talk: Talk) => product.agreeToTls(talk),
          inside: product.tlsInside?.bind(product),
        };
  await step('TLS', async (detail) => {
    const agreed = await tryTls(lent, { address, tls, ...trial }, detail).catch(
      (error: unknown) => {
        if (!(error instanceof StepFailure)) throw error;
        if (security === 'strict' && /closed the connection|not speak TLS/.test(error.message)) {
          throw new StepFailure(
            'the server does not begin with TLS, which TDS 8 requires',
            'Set security: tls for SQL Server before 2022',
          );
        }
        if (security !== 'unproven') throw error;
        detail(`because of security: unproven, the server is trusted although ${error.message}`);
        return true;
      },
    );
    if (agreed) return;
    throw new StepFailure(
      'the server offers no TLS, or it is another product',
      'Have TLS enabled on the server; security: none would send password and rows unencrypted',
    );
  });
}

async function dryRun(at: AtWork, product: Product, { statement, values }: Tried): Promise<string> {
  const nothing = Array.from({ length: values }, (): Parameter => null);
  const { text } = prepared(statement, nothing, product);
  const dry = product.dry(text);
  if (dry === undefined && at.session.look === undefined) {
    return 'not checked: it can only be executed';
  }
  try {
    if (dry === undefined) {
      await at.session.look?.(text);
      return 'taken by the driver, which may not have asked the server';
    }
    await at.run({ text: dry, values: nothing }, SMALL);
    return 'understood and allowed';
  } catch (error) {
    if (!(error instanceof SqlFailure)) throw error;
    if (error.problem === 'value' || error.problem === 'constraint') return 'understood';
    throw new StepFailure([error.what, error.said].filter(Boolean).join(': '), error.remedy);
  }
}

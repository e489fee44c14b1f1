import { createPublicKey, type JsonWebKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { Command } from 'commander';
import { auditLog } from '../../access/audit/audit-log.ts';
import type { CredentialEntry } from '../../credential/credential-entry.ts';
import { type Credentials, credentials } from '../../credential/credentials.ts';
import type { Jwt } from '../../credential/jwt/jwt.ts';
import { decodedToken, type TokenReport } from '../../credential/jwt/token-report.ts';
import { JWT_ALGORITHMS } from '../../credential/kind/jwt-key-settings.ts';
import { describeProblem } from '../../definition/problem.ts';
import { readProduction } from '../../definition/read.ts';
import { ConfigError } from '../../error/adapter-error.ts';
import { describeError, EngineError } from '../../error/engine-error.ts';
import { silentLogger } from '../../log/logger.ts';
import { milliseconds } from '../../time/duration.ts';
import { orderedBy } from '../connect.ts';
import { print, say } from '../output.ts';
import { type ReadingFlags, readingOptions, readOptions } from '../reading.ts';
import { MARKS } from '../step-text.ts';

/** `waybill jwt decode|verify|sign`: a workbench for JSON Web Tokens. */
export function jwtCommand(): Command {
  const command = new Command('jwt').description(
    'Decodes, verifies and signs JSON Web Tokens. A token is read from a file or from standard input: on the command line every user of the machine could see it.',
  );
  command
    .command('decode')
    .description('Shows what a token says, without proof.')
    .argument('[file]', 'with the token; standard input if left out, or -')
    .option('--json', 'as JSON')
    .action(decode);
  keyOptions(command.command('verify'))
    .description(
      'Makes every check that a service of the production would make, and says which fail.',
    )
    .argument('[file]', 'with the token; standard input if left out, or -')
    .option('--public-key <file>', 'verify with this public key or certificate (PEM)')
    .option('--jwks <file or URL>', 'verify with these published keys (JWKS)')
    .option('--algorithm <name>', 'with --public-key or --jwks; that of the token if left out')
    .option('--issuer <text>', 'with --public-key or --jwks: the issuer that is expected')
    .option('--audience <text>', 'with --public-key or --jwks: the audience that is expected')
    .action(verify);
  keyOptions(command.command('sign'))
    .description(
      'Makes a token with a key of the production, for trying. This is in the audit log.',
    )
    .option('--claim <name=value>', 'a claim; JSON or a text; may be repeated', collect, [])
    .option('--claims <file>', 'claims as a JSON object')
    .option('--subject <text>', 'instead of the key’s')
    .option('--audience <text>', 'instead of the key’s')
    .option('--issuer <text>', 'instead of the key’s')
    .option('--lifetime <time>', 'instead of the key’s: 5m')
    .action(sign);
  return command;
}

const collect = (one: string, all: readonly string[]): readonly string[] => [...all, one];

function keyOptions(command: Command): Command {
  return readingOptions(command)
    .option('--production <folder>', 'the folder of the production', '.')
    .option('--key <credential>', 'a credential of the production, of kind jwt-key')
    .option('--json', 'as JSON');
}

async function tokenFrom(file: string | undefined): Promise<string> {
  // an error of the disk would quote it
  if (file?.startsWith('eyJ') && file.split('.').length > 2) {
    throw new EngineError(
      'CONFIG_INVALID',
      'The token itself stands where its file is expected. Write it into a file, or give it to standard input: on the command line every user of the machine can see it, and it is in the history of the shell.',
    );
  }
  const isInput = file === undefined || file === '-';
  return (isInput ? text(process.stdin) : readFile(file, 'utf8')).catch((error: unknown) => {
    const { text: why } = describeError(error);
    throw new EngineError('NOT_FOUND', `the token cannot be read: ${why}`);
  });
}

async function decode(
  file: string | undefined,
  { json }: { readonly json?: boolean },
): Promise<void> {
  const decoded = decodedToken(await tokenFrom(file));
  if ('problem' in decoded) {
    process.exitCode = 1;
    return json === true ? print(JSON.stringify(decoded)) : say(decoded.problem);
  }
  if (json === true) return print(JSON.stringify(decoded));
  for (const line of tokenLines(decoded)) print(line);
  say('Nothing is proven: anybody can write such a token. waybill jwt verify checks it.');
}

function tokenLines({ header, claims }: Pick<TokenReport, 'header' | 'claims'>): string[] {
  return ['header', ...valueLines(header), 'claims', ...valueLines(claims)];
}

/** Times as people read them, beside what is written. */
function valueLines(values: Readonly<Record<string, unknown>> = {}): string[] {
  return Object.entries(values).map(([name, value]) => {
    const written = typeof value === 'string' ? value : JSON.stringify(value);
    const isTime = TIMES.has(name) && typeof value === 'number' && Math.abs(value) < LATEST;
    return `  ${name}  ${written}${isTime ? `  (${new Date(value * 1_000).toISOString()})` : ''}`;
  });
}

const TIMES = new Set(['exp', 'iat', 'nbf', 'auth_time', 'updated_at']);
/** Seconds: what a Date can hold. */
const LATEST = 8_640_000_000_000;

interface KeyFlags extends ReadingFlags {
  readonly production: string;
  readonly key?: string;
  readonly json?: boolean;
}

interface VerifyFlags extends KeyFlags {
  readonly publicKey?: string;
  readonly jwks?: string;
  readonly algorithm?: string;
  readonly issuer?: string;
  readonly audience?: string;
}

async function verify(file: string | undefined, flags: VerifyFlags): Promise<void> {
  const given = [flags.key, flags.publicKey, flags.jwks].filter((one) => one !== undefined);
  if (given.length !== 1) {
    const what = 'Say with which key: one of --key, --public-key and --jwks';
    throw new EngineError('CONFIG_INVALID', `${what}. waybill jwt decode needs none.`);
  }
  const own = (['algorithm', 'issuer', 'audience'] as const).find(
    (one) => flags[one] !== undefined,
  );
  if (flags.key !== undefined && own !== undefined) {
    const what = `--${own} goes with --public-key or --jwks; the credential ${flags.key} says its own`;
    throw new EngineError('CONFIG_INVALID', `${what}. Change it there, or leave --${own} out.`);
  }
  const token = await tokenFrom(file);
  const report = await (flags.key === undefined
    ? withKey(askedKey(token, flags), (key) => key.inspect(token))
    : withNamed(flags.key, flags, (key) => key.inspect(token)));
  if (!report.accepted) process.exitCode = 1;
  if (flags.json === true) return print(JSON.stringify(report));
  if (report.claims !== undefined) for (const line of tokenLines(report)) print(line);
  print('checks');
  for (const { check, result, text: said } of report.checks) {
    print(`  ${MARKS[result]} ${check}: ${said}`);
  }
  say(report.accepted ? 'It would be accepted.' : 'It would be refused.');
}

/** Uses a `jwt-key` of the production; its services use the same. */
async function withNamed<Result>(
  name: string,
  flags: KeyFlags,
  use: (key: Jwt) => Promise<Result>,
): Promise<Result> {
  const { definition, problems } = await readProduction(flags.production, readOptions(flags));
  if (definition === undefined) throw new ConfigError(problems.map(describeProblem));
  const { folder, credentials: entries } = definition;
  return using(credentials(entries, { log: silentLogger, folder }), async (known) =>
    use(await known.jwt(name)),
  );
}

async function withKey<Result>(
  entry: Promise<CredentialEntry>,
  use: (key: Jwt) => Promise<Result>,
): Promise<Result> {
  const entries = new Map([[ASKED, await entry]]);
  return using(credentials(entries, { log: silentLogger, folder: '.' }), async (known) =>
    use(await known.jwt(ASKED)),
  );
}

/** As errors name the key that was given on the command line. */
const ASKED = 'given-key';

async function using<Result>(
  known: Credentials,
  use: (known: Credentials) => Promise<Result>,
): Promise<Result> {
  try {
    return await use(known);
  } finally {
    await known.close();
  }
}

/** A key that is given for once, as the production would have it. */
async function askedKey(
  token: string,
  { publicKey, jwks, algorithm, issuer, audience }: VerifyFlags,
): Promise<CredentialEntry> {
  const key =
    jwks === undefined
      ? { publicKey }
      : /^https?:/.test(jwks)
        ? { jwksUrl: jwks }
        : { publicKey: await publishedKey(token, jwks) };
  const values = {
    algorithm: algorithm ?? algorithmOf(token),
    ...key,
    ...(issuer !== undefined && { issuer }),
    ...(audience !== undefined && { audience }),
  };
  const place = { file: 'command line', line: 1, column: 1 };
  return { kind: 'jwt-key', values, place };
}

/** Only a person who looks for a fault may take the token's word for it. */
function algorithmOf(token: string): string {
  const decoded = decodedToken(token);
  const alg = 'header' in decoded ? decoded.header['alg'] : undefined;
  const isKey =
    typeof alg === 'string' && Object.hasOwn(JWT_ALGORITHMS, alg) && !alg.startsWith('HS');
  if (!isKey) return 'RS256';
  say(`algorithm ${alg}, as the token says: a service takes only the one of its key`);
  return alg;
}

/** The key of a JWKS file that the token names, as PEM. */
async function publishedKey(token: string, file: string): Promise<string> {
  const decoded = decodedToken(token);
  const kid = 'header' in decoded ? decoded.header['kid'] : undefined;
  const read: unknown = JSON.parse(await readFile(file, 'utf8'));
  const { keys = [read] } = read as { readonly keys?: readonly unknown[] };
  const all = keys as readonly JsonWebKey[];
  const found = all.find((one) => one['kid'] === kid) ?? (all.length === 1 ? all[0] : undefined);
  if (found === undefined) {
    const ids = all.map(({ kid: id }) => keyName(id, 'without kid')).join(', ');
    throw new EngineError(
      'CREDENTIAL_REFUSED',
      `The key that the token names (${keyName(kid, 'none')}) is not in ${file}. It has: ${ids}.`,
    );
  }
  return createPublicKey({ key: found, format: 'jwk' })
    .export({ type: 'spki', format: 'pem' })
    .toString();
}

const keyName = (kid: unknown, otherwise: string): string =>
  typeof kid === 'string' ? kid.slice(0, 100) : otherwise;

interface SignFlags extends KeyFlags {
  readonly claim: readonly string[];
  readonly claims?: string;
  readonly subject?: string;
  readonly audience?: string;
  readonly issuer?: string;
  readonly lifetime?: string;
}

async function sign(flags: SignFlags): Promise<void> {
  const { key: name, json, subject, audience, issuer } = flags;
  if (name === undefined) throw new EngineError('CONFIG_INVALID', 'Say with which key: --key.');
  const lifetime = flags.lifetime === undefined ? undefined : milliseconds(flags.lifetime);
  if (flags.lifetime !== undefined && (lifetime === undefined || !Number.isFinite(lifetime))) {
    throw new EngineError('CONFIG_INVALID', `--lifetime ${flags.lifetime} is no time such as 5m`);
  }
  const claims = await claimsOf(flags);
  const token = await withNamed(name, flags, (key) =>
    key.sign(claims, {
      ...(subject !== undefined && { subject }),
      ...(audience !== undefined && { audience }),
      ...(issuer !== undefined && { issuer }),
      ...(lifetime !== undefined && { lifetime }),
    }),
  );
  await using audit = await auditLog({ data: flags.data });
  await audit.record({
    actor: { name: orderedBy(), via: 'command line' },
    ip: 'this machine',
    action: 'token.sign',
    object: `credential ${name}`,
    outcome: 'done',
    detail: { claims: Object.keys(claims), subject, audience, issuer },
  });
  print(json === true ? JSON.stringify({ token }) : token);
}

async function claimsOf({ claim, claims }: SignFlags): Promise<Record<string, unknown>> {
  const read: unknown = claims === undefined ? {} : JSON.parse(await readFile(claims, 'utf8'));
  if (typeof read !== 'object' || read === null || Array.isArray(read)) {
    throw new EngineError('CONFIG_INVALID', `${claims} does not hold a JSON object`);
  }
  const own = claim.map((one) => {
    const at = one.indexOf('=');
    if (at < 1) throw new EngineError('CONFIG_INVALID', `--claim ${one} is not name=value`);
    return [one.slice(0, at), valueOf(one.slice(at + 1))] as const;
  });
  return { ...read, ...Object.fromEntries(own) };
}

function valueOf(written: string): unknown {
  try {
    return JSON.parse(written) as unknown;
  } catch {
    // a text need not be in quotes
    return written;
  }
}

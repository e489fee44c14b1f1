import { unless } from '../error/foreseen.ts';
import { isUnanswered } from '../operator/unanswered.ts';
import type { ApiContext } from './context.ts';

interface Family {
  /** `# HELP` and `# TYPE`. */
  readonly head: string[];
  readonly samples: string[];
}

/**
 * The metrics of every engine, each sample labelled with its engine's position among the answers,
 * then those of the operator plane.
 */
export async function gatheredFigures(context: ApiContext): Promise<string> {
  const [texts, own] = await Promise.all([
    context.engines.figures().catch(unless(isUnanswered, 'asking engines for their metrics')),
    ownFigures(context),
  ]);
  return `${merged(texts ?? [])}${own}`;
}

/** Groups samples by name, as the format requires; a label tells the engines apart. */
function merged(texts: readonly string[]): string {
  const families = new Map<string, Family>();
  for (const [engine, text] of texts.entries()) {
    let family: Family = { head: [], samples: [] };
    for (const line of text.split('\n')) {
      if (line.startsWith('# HELP ')) {
        const name = line.split(' ')[2] ?? '';
        family = families.get(name) ?? { head: [], samples: [] };
        families.set(name, family);
      }
      const isHead = line.startsWith('#');
      // the heads of all engines are equal
      if (isHead && family.head.length < 2) family.head.push(line);
      if (!isHead && line !== '') family.samples.push(labelled(line, engine));
    }
  }
  return [...families.values()]
    .flatMap(({ head, samples }) => [...head, ...samples])
    .map((line) => `${line}\n`)
    .join('');
}

function labelled(line: string, engine: number): string {
  const brace = line.indexOf('{');
  const label = `instance_engine="${engine}"`;
  if (brace >= 0) {
    const comma = line[brace + 1] === '}' ? '' : ',';
    return `${line.slice(0, brace + 1)}${label}${comma}${line.slice(brace + 1)}`;
  }
  const space = line.indexOf(' ');
  return `${line.slice(0, space)}{${label}}${line.slice(space)}`;
}

/** A peer's name is in quotes. */
const escaped = (label: string): string => label.replaceAll(/[\\"]/g, '\\$&').replaceAll('\n', ' ');

function gauge(name: string, help: string, samples: readonly string[]): string {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, ...samples, ''].join('\n');
}

/** What cannot be measured now has no sample. */
async function ownFigures(context: ApiContext): Promise<string> {
  const { production, alerts } = context;
  const [lag, usage, certificates, open] = await Promise.all([
    context.lag().catch(unless(isUnanswered, 'measuring how far the trace is behind')),
    context.usage().catch(unless(isUnanswered, 'measuring the trace')),
    context.engines.certificates().catch(unless(isUnanswered, 'asking what expires')),
    alerts.openCount(undefined).catch(unless(isUnanswered, 'counting the alerts')),
  ]);
  const now = Date.now();
  const of = (value: number, labels = ''): string =>
    `{production="${production}"${labels}} ${value}`;
  const single = (name: string, help: string, value: number | undefined): string =>
    gauge(name, help, value === undefined ? [] : [`${name}${of(value)}`]);
  const failing = context.failingSince() === undefined ? 0 : 1;
  return [
    single('waybill_trace_lag_messages', 'Messages the trace does not show yet.', lag),
    single('waybill_trace_failing', '1 while the trace store fails.', failing),
    single('waybill_store_bytes', 'Bytes of the trace store.', usage?.bytes),
    single('waybill_alerts_open', 'Alerts that are open.', open),
    gauge(
      'waybill_certificate_expiry_seconds',
      'Seconds until a certificate of ours, of an authority or of a peer, or a revocation list, expires.',
      (certificates ?? []).flatMap(({ kind, name, hosts, ends }) => {
        if (ends === undefined) return [];
        const seconds = Math.round((ends.at - now) / 1_000);
        const labels = `,kind="${kind}",name="${escaped(name)}",host="${escaped(hosts.join(' '))}"`;
        return [`waybill_certificate_expiry_seconds${of(seconds, labels)}`];
      }),
    ),
  ].join('');
}

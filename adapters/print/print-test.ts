import { explained, type Lent, type Step, StepFailure } from 'waybill/adapter';
import { probe } from 'waybill/peer/basics';
import { tryReaching } from 'waybill/peer/http';
import type { IppGroup } from './ipp.ts';
import { isRefusal, statusName } from './ipp-status.ts';
import {
  clientValues,
  type PrintValues,
  type printSettings,
  webAddress,
} from './print-settings.ts';
import { Printer } from './printer.ts';

/** RFC 8011 §5.4.11. */
const STOPPED = 5;

/** Name, TCP, TLS, what the printer says of itself, and whether it would take a job: nothing is printed. */
export async function tryPrinter(lent: Lent<typeof printSettings>, step: Step): Promise<void> {
  const { settings, signal } = lent;
  await reach(lent, step);
  const printer = await Printer.open(lent, settings);
  try {
    await step('printer', (detail) =>
      explained(async () => {
        const { status, printer: facts } = await printer.facts(signal);
        if (isRefusal(status))
          throw new StepFailure(
            `there is no such printer or queue (${statusName(status)})`,
            'Correct the path of url',
          );
        detail(describe(facts));
        checkFacts(facts, settings);
      }),
    );
    await step('job', (detail) =>
      explained(async () => {
        const format = settings.format ?? 'application/octet-stream';
        const { status } = await printer.validate('Waybill', format, signal);
        if (isRefusal(status)) {
          throw new StepFailure(
            `the printer would not take a job (${statusName(status)})`,
            'Check format, media, sides and copies against what it can, and whether the account may print',
          );
        }
        detail(`a job of ${format} would be taken`);
      }),
    );
  } finally {
    await printer.close();
  }
}

async function reach(lent: Lent<typeof printSettings>, step: Step): Promise<void> {
  const { settings } = lent;
  const url = webAddress(settings.url);
  if (url.protocol === 'https:') {
    await tryReaching(lent, step, { url, values: clientValues(settings) });
    return;
  }
  const { hostname, port } = settings.proxy ?? url;
  const address = { host: hostname.replaceAll(/^\[|\]$/g, ''), port: Number(port) || 80 };
  // print servers take TLS on the same port, which says nothing of plain text
  await probe(lent, step, { address, silent: true, hello: false });
}

const textsOf = (facts: IppGroup, name: string): readonly string[] =>
  (facts[name] ?? []).map((one) =>
    String(one)
      .replaceAll(/\p{Cc}/gu, '?')
      .slice(0, 100),
  );

function describe(facts: IppGroup): string {
  const [model = 'a printer'] = textsOf(facts, 'printer-make-and-model');
  const formats = textsOf(facts, 'document-format-supported');
  const usual = USUAL.filter((one) => formats.includes(one));
  return `${model}; takes ${usual.join(', ') || `${formats.length} formats`}`;
}

const USUAL = ['application/pdf', 'application/postscript', 'text/plain', 'image/jpeg'];

function checkFacts(facts: IppGroup, { format }: PrintValues): void {
  const reasons = textsOf(facts, 'printer-state-reasons').filter((one) => one !== 'none');
  if (facts['printer-is-accepting-jobs']?.[0] === false) {
    throw new StepFailure(
      `the printer takes no jobs at the moment (${reasons.join(', ') || 'it gives no reason'})`,
      'Have it switched to accepting jobs, with CUPS by cupsaccept',
    );
  }
  if (facts['printer-state']?.[0] === STOPPED) {
    throw new StepFailure(
      `the printer is stopped (${reasons.join(', ') || 'it gives no reason'})`,
      'See to what it names, such as paper or a jam, and start it again, with CUPS by cupsenable',
    );
  }
  const formats = textsOf(facts, 'document-format-supported');
  if (format === undefined || formats.length === 0 || formats.includes(format)) return;
  throw new StepFailure(
    `the printer does not take ${format}`,
    `Set format to one of those that it takes: ${formats.slice(0, 20).join(', ')}`,
  );
}

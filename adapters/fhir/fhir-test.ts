import { type Lent, type Step, StepFailure, stepFailure } from 'waybill/adapter';
import { type HttpAnswer, HttpClient, tryHttp } from 'waybill/peer';
import { fhirReply, jsonOf } from './fhir-reply.ts';
import { below } from './fhir-request.ts';
import type { fhirSettings } from './fhir-settings.ts';

type Trying = Lent<typeof fhirSettings>;

/** The steps of a web client on the server's description of itself, what that says, and whether a search is allowed. */
export async function tryFhir(lent: Trying, step: Step): Promise<void> {
  const { settings } = lent;
  const headers = { accept: 'application/fhir+json' };
  const described = await tryHttp(lent, step, {
    values: settings,
    trial: { url: below(settings.url, 'metadata'), method: 'GET', headers, exact: true },
  });
  await step('FHIR', (detail) => detail(serverText(described)));
  const [, type] = /^([A-Z][A-Za-z]+)(?=[?/]|$)/.exec(settings.query?.source ?? '') ?? [];
  if (type === undefined) return;
  await step('search', async (detail) => {
    const client = await HttpClient.open(lent, settings);
    try {
      const url = below(settings.url, `${type}?_summary=count`);
      const answer = await client.ask({ method: 'GET', url, headers, signal: lent.signal });
      detail(searched(answer, type));
    } catch (error) {
      throw stepFailure(error);
    } finally {
      await client.close();
    }
  });
}

function serverText({ body }: HttpAnswer): string {
  const { resourceType, fhirVersion, software } = Object(jsonOf(body)) as Record<string, unknown>;
  if (resourceType !== 'CapabilityStatement') {
    throw new StepFailure(
      'the server does not describe itself as a FHIR server at /metadata',
      'Correct url: it is the base address, before the type of resource',
    );
  }
  const { name } = Object(software) as { name?: unknown };
  const product = typeof name === 'string' ? `, ${name.slice(0, 60)}` : '';
  return `FHIR ${typeof fhirVersion === 'string' ? fhirVersion.slice(0, 20) : 'of an unknown version'}${product}`;
}

function searched(answer: HttpAnswer, type: string): string {
  if (answer.status < 300) return `${type} may be searched for`;
  const { text } = fhirReply(answer);
  throw new StepFailure(
    `a search for ${type} is answered with ${answer.status}${text === undefined ? '' : `: ${text.slice(0, 200)}`}`,
    answer.status === 403
      ? `Have the scope for reading ${type} granted, and ask for it in the credential`
      : 'Check the credential and what the server supports',
  );
}

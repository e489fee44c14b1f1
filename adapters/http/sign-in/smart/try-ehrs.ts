import { type Step, StepFailure } from 'waybill/adapter';
import { toldInOidcStep } from 'waybill/peer/oidc';
import { type Ehr, type EhrLent, ehrOf, scopesOf } from './ehr.ts';
import type { SmartValues } from './smart-settings.ts';

/** Milliseconds by which clocks may differ before tokens are refused at some EHRs. */
const NOTABLE_SKEW = 60_000;

/** The steps of a test, for each EHR: what it says of itself, its clock, whether it knows the app, and the address it sends browsers to. */
export async function tryEhrs(
  lent: EhrLent,
  step: Step,
  {
    smart,
    path,
    redirect,
  }: { readonly smart: SmartValues; readonly path: string; readonly redirect: string | undefined },
): Promise<void> {
  for (const values of smart.ehrs) {
    if (values === undefined) continue;
    const ehr = ehrOf(lent, values, path);
    await step('ehr', (detail) => toldInOidcStep(async () => detail(await told(ehr))));
    await step('clock', (detail) => toldInOidcStep(async () => detail(await clockOf(ehr))));
    await step('client', (detail) =>
      toldInOidcStep(async () => {
        if (values.clientKey !== undefined && lent.signIn === undefined) {
          detail(
            'not tried, as only an engine signs: the first launch shows whether its key is known',
          );
          return;
        }
        await (await ehr.client()).tryClient(redirect);
        detail(`${values.clientId} is known there`);
      }),
    );
    if (redirect === undefined) continue;
    await step('redirect', (detail) =>
      toldInOidcStep(async () => {
        const asked = { scope: scopesOf(values, false), aud: ehr.fhir };
        await (await ehr.client()).tryRedirect(redirect, asked);
        detail(`${redirect} is not refused before a sign-in`);
      }),
    );
  }
}

async function told({ client, values, fhir }: Ehr): Promise<string> {
  const metadata = await (await client()).configuration();
  const { capabilities, scopes_supported: scopes } = metadata as Readonly<Record<string, unknown>>;
  const way =
    values.clientKey !== undefined
      ? 'client-confidential-asymmetric'
      : values.clientSecret !== undefined
        ? 'client-confidential-symmetric'
        : 'client-public';
  const missing = ['launch-ehr', 'launch-standalone', way].filter(
    (one) => Array.isArray(capabilities) && !capabilities.includes(one),
  );
  // what it lists need not be all, so this is no failure
  const unlisted = scopesOf(values, false)
    .split(' ')
    .filter((one) => Array.isArray(scopes) && !scopes.includes(one));
  return [
    `${fhir}, signs people in as ${metadata.issuer}`,
    ...(missing.length > 0 ? [`not among its capabilities: ${missing.join(', ')}`] : []),
    ...(unlisted.length > 0 ? [`not among its scopes: ${unlisted.join(', ')}`] : []),
  ].join('; ');
}

async function clockOf({ ask, fhir }: Ehr): Promise<string> {
  const signal = AbortSignal.timeout(10_000);
  const answer = await ask(`${fhir}/.well-known/smart-configuration`, {
    redirect: 'manual',
    signal,
  });
  await answer.body?.cancel();
  const date = Date.parse(answer.headers.get('date') ?? '');
  if (Number.isNaN(date)) return 'it does not tell its time';
  const seconds = Math.round((date - Date.now()) / 1_000);
  if (Math.abs(seconds) * 1_000 > NOTABLE_SKEW) {
    throw new StepFailure(
      `its clock differs by ${seconds} s, so tokens seem to be of the future or past`,
      'Set the clocks of both by NTP',
    );
  }
  return 'its clock agrees';
}

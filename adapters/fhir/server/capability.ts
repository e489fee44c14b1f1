import { fhirNumber, fhirResourceTypes } from 'waybill/document';
import type { FhirInValues } from '../fhir-in-settings.ts';
import { isServed } from './request.ts';
import { smartAddresses, smartSecurity } from './smart-configuration.ts';

const OF_TYPE: Readonly<Record<string, string>> = {
  read: 'read',
  vread: 'vread',
  search: 'search-type',
  history: 'history-type',
  create: 'create',
  update: 'update',
  patch: 'patch',
  delete: 'delete',
};

/** What the server can do, for `/metadata`; `date` is when it was started. */
export function capabilityStatement(
  { interactions, resources, callers, cors, smart, version }: FhirInValues,
  { base, title, date }: { readonly base: string; readonly title: string; readonly date: string },
): object {
  const has = new Set<string>(interactions);
  const codes = interactions.flatMap((one) => OF_TYPE[one] ?? []);
  const types =
    resources.length > 0
      ? resources
      : fhirResourceTypes(version).filter((type) => isServed(type, { resources, version }));
  const system = ['transaction', 'batch'].filter((one) => has.has(one));
  return {
    resourceType: 'CapabilityStatement',
    status: 'active',
    date,
    kind: 'instance',
    implementation: { description: title, url: base },
    software: { name: 'Waybill' },
    fhirVersion: fhirNumber(version),
    format: ['application/fhir+json', 'json'],
    rest: [
      {
        mode: 'server',
        ...((callers.length > 0 || smart !== undefined) && {
          security: {
            ...(smart !== undefined && smartSecurity(smartAddresses(smart, base))),
            cors: cors !== undefined,
            description: signIn(callers),
          },
        }),
        resource: types.map((type) => ({
          type,
          interaction: codes.map((code) => ({ code })),
          ...(has.has('vread') && { versioning: 'versioned' }),
          ...(has.has('create') && { conditionalCreate: true }),
          ...(has.has('update') && { conditionalUpdate: true }),
          ...(has.has('delete') && { conditionalDelete: 'single' }),
          ...(has.has('read') && { conditionalRead: 'not-match' }),
        })),
        ...(system.length > 0 && { interaction: system.map((code) => ({ code })) }),
      },
    ],
  };
}

function signIn(callers: FhirInValues['callers']): string {
  const kinds = new Set(callers.flatMap((one) => one?.kind ?? []));
  return `Callers sign in by ${[...kinds].join(' or ')}.`;
}

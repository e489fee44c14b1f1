import { Buffer } from 'node:buffer';
import type { Hl7Document } from '../../hl7/hl7-document.ts';
import {
  type Conversion,
  type ConversionOptions,
  type Coverage,
  convertV2,
  type MadeResource,
} from './convert.ts';
import type { Element, Resource } from './json.ts';
import { ABOUT } from './map/message-rows.ts';
import { fhirInstant } from './times.ts';

export interface ToFhirOptions extends ConversionOptions {
  readonly bundle: BundleOptions['kind'];
  readonly update: BundleOptions['update'];
}

/** A FHIR R4 Bundle in JSON made of an HL7 v2 message. `now`: milliseconds since 1970, for a message without MSH-7. */
export function toFhir(
  message: Hl7Document,
  { bundle: kind, update, ...options }: ToFhirOptions,
  now: number,
): { readonly body: Uint8Array; readonly coverage: Coverage } {
  const conversion = convertV2(message, options);
  const sent = fhirInstant(message.get('MSH-7'), { zone: options.zone, offset: undefined });
  const timestamp = sent ?? new Date(now).toISOString();
  const bundle = bundleOf(conversion, { kind, update, timestamp });
  return { body: Buffer.from(JSON.stringify(bundle)), coverage: conversion.coverage };
}

interface BundleOptions {
  readonly kind: 'transaction' | 'message' | 'collection';
  /** Types of resources that replace what the server has; undefined for those the message is about. */
  readonly update: readonly string[] | undefined;
  /** When the message was sent, or else the present time. */
  readonly timestamp: string;
}

/** A FHIR Bundle of what a message became. */
function bundleOf(conversion: Conversion, options: BundleOptions): Element {
  const { kind, timestamp } = options;
  const resources = mentionedLast(conversion.resources);
  const kept = kind === 'transaction' ? withoutHeader(resources) : inMessageOrder(resources, kind);
  if (kept.length === 0) return { resourceType: 'Bundle', type: kind, timestamp };
  const update = options.update ?? ABOUT[conversion.type] ?? [];
  const criteria = criteriaOf(kind === 'transaction' ? kept.map(({ resource }) => resource) : []);
  return {
    resourceType: 'Bundle',
    type: kind,
    timestamp,
    entry: kept.map(({ fullUrl, resource }) => ({
      fullUrl,
      resource,
      ...(kind === 'transaction' && {
        request: requestOf(resource, criteria.get(resource), update),
      }),
    })),
  };
}

/** What the message is about comes first. */
function mentionedLast(resources: readonly MadeResource[]): readonly MadeResource[] {
  return [
    ...resources.filter((one) => !isMentioned(one)),
    ...resources.filter((one) => isMentioned(one)),
  ];
}

const isMentioned = ({ resource }: MadeResource): boolean => MENTIONED.has(resource.resourceType);

const isHeader = ({ resource }: MadeResource): boolean => resource.resourceType === 'MessageHeader';

/** A header means nothing outside of a message; what only it refers to is left out too. */
function withoutHeader(resources: readonly MadeResource[]): MadeResource[] {
  const header = resources.find(isHeader);
  const others = resources.filter((one) => one !== header);
  if (header === undefined) return others;
  const named = JSON.stringify(header.resource);
  const rest = others.map(({ resource }) => JSON.stringify(resource));
  return others.filter(
    ({ fullUrl }) => !named.includes(fullUrl) || rest.some((text) => text.includes(fullUrl)),
  );
}

/** The header comes first and names what the message is about. */
function inMessageOrder(
  resources: readonly MadeResource[],
  kind: BundleOptions['kind'],
): readonly MadeResource[] {
  const header = resources.find(isHeader);
  if (header === undefined) return resources;
  const others = resources.filter((one) => one !== header);
  if (kind === 'collection') return [header, ...others];
  const focus = others
    .filter((one) => !isMentioned(one))
    .map(({ fullUrl }) => ({ reference: fullUrl }));
  const resource = { ...header.resource, ...(focus.length > 0 && { focus }) };
  return [{ ...header, resource }, ...others];
}

/** What a message only mentions. */
const MENTIONED: ReadonlySet<string> = new Set([
  'Practitioner',
  'Organization',
  'Location',
  'Device',
  'Provenance',
]);

/** Conditional by an identifier with an authority: a message that is sent twice makes nothing twice. */
function requestOf(
  resource: Resource,
  criteria: string | undefined,
  update: readonly string[],
): Element {
  const { resourceType } = resource;
  if (criteria === undefined) return { method: 'POST', url: resourceType };
  if (update.includes(resourceType)) {
    return { method: 'PUT', url: `${resourceType}?${criteria}` };
  }
  return { method: 'POST', url: resourceType, ifNoneExist: criteria };
}

/**
 * By what each resource is found. Several orders or reports may have one number: they are told apart by their code and
 * their other numbers, since with one search for two of them a server would refuse both, or keep one.
 */
function criteriaOf(resources: readonly Resource[]): ReadonlyMap<Resource, string> {
  const found = new Map<Resource, string>();
  for (const same of Map.groupBy(resources, ({ resourceType }) => resourceType).values()) {
    let rest = same.map((resource) => ({ resource, searches: searchesFor(resource) }));
    for (let level = 0; rest.some(({ searches }) => level < searches.length); level += 1) {
      for (const { resource, search } of alone(rest, level)) found.set(resource, search);
      rest = rest.filter(({ resource }) => !found.has(resource));
    }
  }
  return found;
}

interface Searched {
  readonly resource: Resource;
  readonly searches: readonly string[];
}

/** Those whose search of this level, or else the last one, no other has. */
const alone = (
  all: readonly Searched[],
  level: number,
): { readonly resource: Resource; readonly search: string }[] =>
  [...Map.groupBy(all, ({ searches }) => searches[level] ?? searches.at(-1))].flatMap(
    ([search, [one, ...more]]) =>
      search === undefined || one === undefined || more.length > 0
        ? []
        : [{ resource: one.resource, search }],
  );

/** Searches for a resource, the narrowest last. */
function searchesFor(resource: Resource): readonly string[] {
  const { resourceType, identifier, masterIdentifier, code } = resource;
  const isReport = resourceType === 'DiagnosticReport';
  const all = [masterIdentifier, ...(Array.isArray(identifier) ? identifier : [])].flatMap(
    (one) => tokenOf(one, 'value') ?? [],
  );
  // the number of who makes the report: an order may have several
  const [first, ...others] = isReport ? [...all.slice(1), ...all.slice(0, 1)] : all;
  if (first === undefined) return [];
  const own = `identifier=${first}`;
  const [coding] = (Object(code) as { coding?: readonly unknown[] }).coding ?? [];
  const coded = tokenOf(coding, 'code');
  const withCode = coded === undefined ? own : `${own}&code=${coded}`;
  const whole = [withCode, ...others.map((one) => `identifier=${one}`)].join('&');
  return [...new Set(isReport ? [withCode, whole] : [own, withCode, whole])];
}

function tokenOf(of: unknown, key: 'value' | 'code'): string | undefined {
  const { system, [key]: value } = Object(of) as Record<string, unknown>;
  if (typeof system !== 'string' || typeof value !== 'string') return undefined;
  return `${encodeURIComponent(system)}|${encodeURIComponent(value)}`;
}

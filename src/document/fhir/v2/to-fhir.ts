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
  return {
    resourceType: 'Bundle',
    type: kind,
    timestamp,
    entry: kept.map(({ fullUrl, resource }) => ({
      fullUrl,
      resource,
      ...(kind === 'transaction' && {
        request: requestOf(resource, options.update ?? ABOUT[conversion.type] ?? []),
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

/** Conditional by the first identifier with an authority: a message that is sent twice makes nothing twice. */
function requestOf(resource: Resource, update: readonly string[]): Element {
  const { resourceType } = resource;
  const criteria = criteriaOf(resource);
  if (criteria === undefined) return { method: 'POST', url: resourceType };
  if (update.includes(resourceType)) {
    return { method: 'PUT', url: `${resourceType}?${criteria}` };
  }
  return { method: 'POST', url: resourceType, ifNoneExist: criteria };
}

function criteriaOf({ identifier, masterIdentifier }: Resource): string | undefined {
  const all = [masterIdentifier, ...(Array.isArray(identifier) ? identifier : [])];
  for (const one of all) {
    const { system, value } = Object(one) as { system?: unknown; value?: unknown };
    if (typeof system === 'string' && typeof value === 'string') {
      return `identifier=${encodeURIComponent(system)}|${encodeURIComponent(value)}`;
    }
  }
  return undefined;
}

import { Buffer } from 'node:buffer';
import type { Hl7Document } from '../../hl7/hl7-document.ts';
import { type BundleOptions, bundleOf } from './bundle.ts';
import { type ConversionOptions, type Coverage, convertV2 } from './convert.ts';
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

import { isMainThread } from 'node:worker_threads';

/** Imported by each process of tests before anything else: to read a thousand modules costs a thread a second of processor time. */
const folder = process.env['WAYBILL_BUNDLE'];
if (!isMainThread && folder !== undefined) await import(`${folder}/loader.mjs`);

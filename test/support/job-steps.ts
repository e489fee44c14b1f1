import type { ItemResult, JobStore } from '../../src/operator/job/job-store.ts';

/** Claims one message of a job; whether it was still waiting. */
export async function claimItem(store: JobStore, job: number, n: number): Promise<boolean> {
  return (await store.advance(job, { settled: [], claim: [n] })).has(n);
}

export async function settleItem(
  store: JobStore,
  job: number,
  { n, ...result }: { readonly n: number } & ItemResult,
): Promise<void> {
  await store.advance(job, { settled: [{ n, ...result }], claim: [] });
}

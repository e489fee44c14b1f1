/**
 * Every page of the console by its address, with its heading. SESSION and MESSAGE are replaced by
 * ids of sent messages.
 */
export const PAGES = [
  ['/', 'Dashboard'],
  ['/messages', 'Messages'],
  ['/sessions/SESSION', 'Session'],
  ['/sessions/SESSION?view=table', 'Session'],
  ['/sessions/SESSION?view=times', 'Session'],
  ['/messages/MESSAGE', 'Message'],
  ['/messages/MESSAGE/diff', 'What changed'],
  ['/messages/SESSION/rehearsal', 'What the files would do'],
  ['/rehearsals?status=suspended&last=all', 'What the files would do'],
  ['/timeline?find=mrn:7001*', 'Timeline'],
  ['/suspended', 'Suspended'],
  ['/queues?host=registry', 'Queues'],
  ['/waiting', 'Durable work'],
  ['/production?view=diagram', 'ADT hub'],
  ['/production?view=table', 'ADT hub'],
  ['/hosts/registry', 'registry'],
  ['/events', 'Event log'],
  ['/alerts', 'Alerts'],
  ['/shift', 'Shift'],
  ['/on-call', 'On call'],
  ['/jobs', 'Jobs'],
  ['/jobs/new?status=suspended&last=all', 'Act on many'],
  ['/export?status=error', 'Export'],
  ['/certificates', 'Certificates'],
  ['/workbench', 'Workbench'],
  ['/productions', 'Productions'],
  ['/storage', 'Storage'],
  ['/configuration', 'Configuration'],
  ['/history', 'History'],
  ['/files?path=production.yaml&line=3', 'Files'],
  ['/audit', 'Audit log'],
  ['/access', 'Who saw a patient'],
  ['/users', 'Users'],
  ['/second-factor', 'Second factor'],
  ['/tokens', 'Tokens'],
  ['/sign-ins', 'Sign-ins'],
  ['/nowhere', 'No such page'],
] as const;

/** A message with an interesting session. */
export interface Sample {
  readonly id: number;
  readonly sessionId: number;
}

/** The address of a page of that sample. */
export function pageAddress(url: string, path: string, { id, sessionId }: Sample): string {
  return `${url}${path.replace('SESSION', `${sessionId}`).replace('MESSAGE', `${id}`)}`;
}

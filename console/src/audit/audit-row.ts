/** An act of a person or machine, as the audit log tells it. */
export interface AuditRow {
  readonly seq: number;
  readonly at: number;
  readonly actor: string;
  readonly via: string;
  readonly ip: string;
  readonly action: string;
  readonly object: string;
  readonly outcome: 'done' | 'refused' | 'failed';
  readonly detail: string;
}

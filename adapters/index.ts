import type { InboundAdapter, OutboundAdapter } from 'waybill/adapter';
import fhirOut from './fhir/fhir-out.ts';
import fileIn from './file/file-in.ts';
import fileOut from './file/file-out.ts';
import graphMailIn from './graph/graph-mail-in.ts';
import graphMailOut from './graph/graph-mail-out.ts';
import httpIn from './http/http-in.ts';
import httpOut from './http/http-out.ts';
import imapIn from './imap/imap-in.ts';
import mllpIn from './mllp/mllp-in.ts';
import mllpOut from './mllp/mllp-out.ts';
import sftpIn from './sftp/sftp-in.ts';
import sftpOut from './sftp/sftp-out.ts';
import smtpOut from './smtp/smtp-out.ts';

/** Every adapter that ships with Waybill: the only list. A production may name a file of its own besides. */
export const adapters: readonly (InboundAdapter | OutboundAdapter)[] = [
  fhirOut,
  fileIn,
  fileOut,
  graphMailIn,
  graphMailOut,
  httpIn,
  httpOut,
  imapIn,
  mllpIn,
  mllpOut,
  sftpIn,
  sftpOut,
  smtpOut,
];

import { ediPath } from '../../src/document/edi/edi-path.ts';
import type { EdifactProfile } from '../../src/document/edi/profile/edifact-profile.ts';

/** Our own interchanges, modelled on public samples. */

const ISA_5010 =
  'ISA*00*          *00*          *ZZ*NORTHCLINIC    *ZZ*PAYER          *260301*1200*^*00501*000000007*0*T*:~';

/** Two claims of one subscriber and one of a patient who is not the subscriber, professional, 5010. */
export const CLAIMS = [
  ISA_5010,
  'GS*HC*NORTHCLINIC*PAYER*20260301*1200*7*X*005010X222A1~',
  'ST*837*0001*005010X222A1~',
  'BHT*0019*00*BATCH7*20260301*1200*CH~',
  'NM1*41*2*NORTH CLINIC*****46*NORTHCLINIC~',
  'PER*IC*BILLING*TE*5550100~',
  'NM1*40*2*PAYER INC*****46*PAYER~',
  'HL*1**20*1~',
  'PRV*BI*PXC*207Q00000X~',
  'NM1*85*2*NORTH CLINIC*****XX*1234567893~',
  'N3*1 NORTH ROAD~',
  'N4*SPRINGFIELD*IL*627010001~',
  'REF*EI*123456789~',
  'HL*2*1*22*1~',
  'SBR*P*18*GROUP1******CI~',
  'NM1*IL*1*DOE*JANE****MI*MEMBER1~',
  'N3*2 SOUTH ROAD~',
  'N4*SPRINGFIELD*IL*627010002~',
  'DMG*D8*19800102*F~',
  'NM1*PR*2*PAYER INC*****PI*PAYER~',
  'CLM*CLAIM1*150***11:B:1*Y*A*Y*Y~',
  'REF*D9*CH1~',
  'HI*ABK:J0300*ABF:R05~',
  'NM1*82*1*HOUSE*GREGORY****XX*1234567893~',
  'LX*1~',
  'SV1*HC:99213:25*100*UN*1***1~',
  'DTP*472*D8*20260227~',
  'LX*2~',
  'SV1*HC:87880*50*UN*1***1:2~',
  'DTP*472*D8*20260227~',
  'CLM*CLAIM2*75***11:B:1*Y*A*Y*Y~',
  'HI*ABK:Z0000~',
  'LX*1~',
  'SV1*HC:99212*75*UN*1***1~',
  'DTP*472*D8*20260228~',
  'HL*3*2*23*0~',
  'PAT*19~',
  'NM1*QC*1*DOE*JOHN~',
  'N3*2 SOUTH ROAD~',
  'N4*SPRINGFIELD*IL*627010002~',
  'DMG*D8*20100304*M~',
  'CLM*CLAIM3*60***11:B:1*Y*A*Y*Y~',
  'HI*ABK:J00~',
  'LX*1~',
  'SV1*HC:99211*60*UN*1***1~',
  'DTP*472*D8*20260228~',
  'SE*45*0001~',
  'GE*1*7~',
  'IEA*1*000000007~',
].join('\n');

/** A remittance with two claims and an adjustment of the provider. */
export const REMITTANCE = [
  'ISA*00*          *00*          *ZZ*PAYER          *ZZ*NORTHCLINIC    *260310*0800*^*00501*000000101*0*P*:~',
  'GS*HP*PAYER*NORTHCLINIC*20260310*0800*101*X*005010X221A1~',
  'ST*835*0001~',
  'BPR*I*180*C*CHK************20260310~',
  'TRN*1*CHECK77*1999999999~',
  'DTM*405*20260310~',
  'N1*PR*PAYER INC~',
  'N3*9 PAYER ROAD~',
  'N4*SPRINGFIELD*IL*62704~',
  'PER*BL*HELP*TE*5550199~',
  'N1*PE*NORTH CLINIC*XX*1234567893~',
  'LX*1~',
  'CLP*CLAIM1*1*150*120*30*12*PCN1*11*1~',
  'NM1*QC*1*DOE*JANE****MI*MEMBER1~',
  'SVC*HC:99213:25*100*80**1~',
  'DTM*472*20260227~',
  'CAS*PR*2*20~',
  'SVC*HC:87880*50*40**1~',
  'CAS*PR*2*10~',
  'CLP*CLAIM2*1*75*60*15*12*PCN2*11*1~',
  'NM1*QC*1*DOE*JANE****MI*MEMBER1~',
  'SVC*HC:99212*75*60**1~',
  'CAS*PR*2*15~',
  'PLB*1234567893*20261231*WO:77*0~',
  'SE*23*0001~',
  'GE*1*101~',
  'IEA*1*000000101~',
].join('');

/** An eligibility inquiry of 4010, in another sender's delimiters. */
export const ELIGIBILITY_4010 = [
  'ISA|00|          |00|          |ZZ|NORTHCLINIC    |ZZ|PAYER          |060301|1200|U|00401|000000009|0|T|>\u001c',
  'GS|HS|NORTHCLINIC|PAYER|20060301|1200|9|X|004010X092A1\u001c',
  'ST|270|0001\u001c',
  'BHT|0022|13|TRACE9|20060301|1200\u001c',
  'HL|1||20|1\u001c',
  'NM1|PR|2|PAYER INC|||||PI|PAYER\u001c',
  'HL|2|1|21|1\u001c',
  'NM1|1P|2|NORTH CLINIC|||||SV|9001\u001c',
  'HL|3|2|22|0\u001c',
  'TRN|1|TRACE9|9999999999\u001c',
  'NM1|IL|1|DOE|JANE||||MI|MEMBER1\u001c',
  'DMG|D8|19800102|F\u001c',
  'EQ|30\u001c',
  'SE|12|0001\u001c',
  'GE|1|9\u001c',
  'IEA|1|000000009\u001c',
].join('');

/** A laboratory's report, with its delimiters declared and a released character. */
export const REPORT = [
  "UNA:+.? '",
  "UNB+UNOC:3+LAB:14+WARD:14+260301:1200+REF7'",
  "UNH+1+MEDRPT:D:96A:UN'",
  "BGM+LRP+REPORT7+9'",
  "DTM+137:202603011200:203'",
  "NAD+SLA+LAB1::9'",
  "NAD+PO+WARD3::9'",
  "PNA+PAT+123456:::9++DO?'E:JANE'",
  "INV+MQ+GLU:::LOCAL'",
  "RSL+NV+5.1++mmol?+l'",
  "INV+MQ+NA:::LOCAL'",
  "RSL+NV+140'",
  "FTX+SPC+++taken at 8?:00'",
  "UNT+12+1'",
  "UNZ+1+REF7'",
].join('\r\n');

/** Syntax version 4: repetitions, no UNA. */
export const REPORT_4 =
  "UNB+UNOW:4+LAB+WARD+20260301:1200+R4'UNH+1+MEDRPT:D:20A:UN'BGM+LRP+R4'PNA+PAT+1*2*3:x++DÖE'UNT+4+1'UNZ+1+R4'";

/** A profile of REPORT by which its document is of another kind. */
export const OTHER_REPORTS: EdifactProfile = {
  name: 'lab',
  message: 'MEDRPT',
  version: undefined,
  structure: undefined,
  elements: [
    {
      path: ediPath('BGM-1'),
      name: undefined,
      required: true,
      most: undefined,
      format: undefined,
      codes: { called: 'XYZ', has: (code) => code === 'XYZ' },
      pattern: undefined,
    },
  ],
};

export const bytesOf = (text: string): Uint8Array => Buffer.from(text, 'utf8');

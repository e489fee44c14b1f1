import { GUIDES } from './guide/guides.ts';

/** Segments of UN/EDIFACT's directories and of its envelope. */
const EDIFACT = `AGR AJT ALC ALI APR ARD ARR ASI ATT AUT BAS BGM BII BUS CAV CCD CCI CDI CDS CDV CED CIN CLA
  CLI CMP CNI CNT CNX COD COM COT CPI CPS CPT CST CTA CUX DAM DFN DGS DII DIM DLI DLM DMS DOC DSG DSI DTM
  EDT EFI ELM ELU ELV EMP EQA EQD EQN ERC ERP EVE FCA FII FNS FNT FOR FSQ FTX GDS GEI GID GIN GIR GOR GPO
  GRU HAN HYN ICD ICI IDE IFD IFT IHC IMD IND INP INV IRQ ITC ITD ITM LAN LIN LOC MEA MEM MKS MOA MSG MTD
  NAD NAT NUN PAC PAI PAS PAT PCC PCD PCI PDI PDT PER PGI PIA PIT PMT PNA POC PRC PRE PRI PRO PRV PSD PTY
  PYT QRS QTI QTY QUA QVR RCI RCS REL RFF RJL RLS RNG ROD RSL RTE SAL SCC SCD SDT SEG SEL SEQ SFI SGP SGU
  SIM SPR SPS STA STC STG STS SUR TAX TCC TCE TDI TDT TEM TIF TIZ TMD TMP TOD TPL TRF TRI TRU TSR TXS UCD
  UCF UCI UCM UCS UNB UNE UNG UNH UNO UNP UNS UNT UNZ USA USC USH VLI`;

/** Segments of X12 beyond those of the guides. */
const X12 = 'ISA IEA GS GE ST SE TA1 AK1 AK2 AK3 AK4 AK5 AK9 IK3 IK4 IK5 CTX BIN LS LE';

let known: ReadonlySet<string> | undefined;

/** Whether X12 or EDIFACT has a segment of that name: to distinguish it from a mistake in an HL7 path. */
export function isEdiSegment(name: string): boolean {
  known ??= new Set([
    ...`${EDIFACT} ${X12}`.split(/\s+/),
    ...GUIDES.flatMap(({ text }) => text.match(/\b[A-Z][A-Z\d]{1,2}(?=[:*!\s])/g) ?? []),
  ]);
  return known.has(name);
}

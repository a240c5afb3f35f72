import { randomText } from '../../shared/ids.ts';

/** A form with one file, whole and in bytes: a client that is aborted has nothing left to read. */
export interface MultipartForm {
  contentType: string;
  body: Uint8Array<ArrayBuffer>;
}

/** RFC 7578. Values with line breaks or quotes are none of ours. */
export function multipartForm(
  file: { name: string; contentType: string; bytes: Uint8Array },
  fields: Readonly<Record<string, string | undefined>>,
): MultipartForm {
  const boundary = `trunkline${randomText(24)}`;
  const parts: Uint8Array[] = [];
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n`;
    parts.push(Buffer.from(`${head}${value.replace(/[\r\n]+/g, ' ')}\r\n`));
  }
  parts.push(
    Buffer.from(
      `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${file.name}"\r\n` +
        `Content-Type: ${file.contentType}\r\n\r\n`,
    ),
    file.bytes,
    Buffer.from(`\r\n--${boundary}--\r\n`),
  );
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    body: new Uint8Array(Buffer.concat(parts)),
  };
}

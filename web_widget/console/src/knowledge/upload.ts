import { ApiError, type IngestReport } from "@jieli/protocol";
import { desk } from "../lib/api";
import { useSettings } from "../state/settings";

/** One file with the progress of its way up (0..1); fetch has no upload progress, so this is XMLHttpRequest. */
export function uploadFile(file: File, target: { collection: string; publish: boolean }, onProgress: (part: number) => void): Promise<IngestReport[]> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", "/api/v1/kb/documents");
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("Accept-Language", useSettings.getState().language);
    request.setRequestHeader("X-CSRF-Token", desk.csrf);
    request.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    request.onerror = () => reject(new ApiError(0, "unreachable", ""));
    request.onload = () => {
      let body: { reports?: IngestReport[]; error?: { code: string; message: string; hint?: string } } = {};
      try {
        body = JSON.parse(request.responseText) as typeof body;
      } catch {
        reject(new ApiError(request.status, "http_error", `HTTP ${request.status}`));
        return;
      }
      if (request.status < 300) resolve(body.reports ?? []);
      else reject(new ApiError(request.status, body.error?.code ?? "http_error", body.error?.message ?? `HTTP ${request.status}`, body.error?.hint));
    };
    const form = new FormData();
    form.append("files", file, file.name);
    form.append("collection", target.collection);
    form.append("publish", String(target.publish));
    request.send(form);
  });
}

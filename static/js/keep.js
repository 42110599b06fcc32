// Keeps a choice with the person's settings. Resolves to whether that went well.
import { post } from "./post.js";

export async function keep(fields) {
  const answer = await post(document.body.dataset.settings, fields, { keepalive: true });
  return answer?.status === 204;
}

/** A program for the other C library: prints the IPv4 addresses of a name, one a line, or the reason why there is none. */
export const lookupProgram = `
#include <stdio.h>
#include <netdb.h>
#include <arpa/inet.h>
int main(int count, char **words) {
  struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *list = 0;
  int problem = count < 2 ? EAI_NONAME : getaddrinfo(words[1], 0, &hints, &list);
  if (problem) { printf("%s\\n", gai_strerror(problem)); return 2; }
  for (; list; list = list->ai_next) {
    char text[64];
    puts(inet_ntop(AF_INET, &((struct sockaddr_in *)list->ai_addr)->sin_addr, text, sizeof text));
  }
}
`;

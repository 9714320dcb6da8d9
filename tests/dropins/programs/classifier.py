"""Reads a binary message and says what kind of file it is."""
from agavepy.actors import get_binary_message, get_context

MAGIC = ((b'\xff\xd8\xff', 'jpeg'), (b'\x89PNG', 'png'), (b'%PDF', 'pdf'))


def classify(data):
    for magic, name in MAGIC:
        if data.startswith(magic):
            return name
    return 'unknown'


if __name__ == '__main__':
    context = get_context()
    data = get_binary_message()
    print('content type: {}'.format(context['content_type']))
    print('raw message: {}'.format(context['raw_message']))
    print('label: {} ({} bytes)'.format(classify(data), len(data)))
